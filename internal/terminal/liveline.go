package terminal

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// liveLine is the last line of a terminal. It is rewritten at intervals, and removed before anything else is written.
// Its lock also guards the values that the line shows. Where there is no terminal, it writes nothing.
type liveLine struct {
	sync.Mutex
	out   io.Writer
	shown bool
	stop  chan struct{}
	ended sync.WaitGroup
}

// start writes the line that text returns, at intervals and with the lock held; an empty line leaves the terminal as it
// is. The line must be narrower than the terminal: a line that is wrapped could not be rewritten.
func (l *liveLine) start(every time.Duration, text func(now time.Time) string) {
	l.stop = make(chan struct{})
	l.ended.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-l.stop:
				return
			case now := <-tick.C:
				l.show(now, text)
			}
		}
	})
}

func (l *liveLine) show(now time.Time, text func(now time.Time) string) {
	l.Lock()
	defer l.Unlock()
	if line := text(now); line != "" {
		fmt.Fprint(l.out, "\r\x1b[K"+line)
		l.shown = true
	}
}

// clear removes the line. The caller holds the lock.
func (l *liveLine) clear() {
	if l.shown {
		fmt.Fprint(l.out, "\r\x1b[K")
		l.shown = false
	}
}

// Close stops the rewriting and removes the line. It is called once.
func (l *liveLine) Close() {
	if l.stop != nil {
		close(l.stop)
	}
	l.ended.Wait()
	l.Lock()
	defer l.Unlock()
	l.clear()
}
