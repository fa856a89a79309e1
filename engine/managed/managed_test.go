package managed

import (
	"testing"

	"github.com/k8slab/k8slab/text"
)

func TestSchedulesInWords(t *testing.T) {
	for want, s := range map[text.Text]Schedule{
		{EN: "every day", JA: "毎日"}:                                  {Unit: "day", Interval: 1},
		{EN: "every 3 days", JA: "3 日ごと"}:                            {Unit: "day", Interval: 3},
		{EN: "every week on Monday, Friday", JA: "毎週の月曜、金曜"}:         {Unit: "week", Interval: 1, Weekdays: []string{"Monday", "Friday"}},
		{EN: "every 2 weeks on Sunday", JA: "2 週ごとの日曜"}:              {Unit: "week", Interval: 2, Weekdays: []string{"Sunday"}},
		{EN: "every month on day 15", JA: "毎月の 15 日"}:                {Unit: "month", Interval: 1, Day: 15},
		{EN: "every 2 months on the last Sunday", JA: "2 か月ごとの最終日曜"}: {Unit: "month", Interval: 2, Nth: "Last", Weekdays: []string{"Sunday"}},
		{EN: "every month on the first Tuesday", JA: "毎月の第 1 火曜"}:    {Unit: "month", Interval: 1, Nth: "First", Weekdays: []string{"Tuesday"}},
	} {
		if got := s.Text(); got != want {
			t.Errorf("%+v: %+v, want %+v", s, got, want)
		}
	}
}

func TestAReleaseIsOfferedByItsMinor(t *testing.T) {
	c := Cluster{Version: "1.3.1", Available: []Release{{Version: "1.36"}}}
	if c.Offered() {
		t.Error("1.3.1 is not of 1.36")
	}
	c.Version = "1.36.10"
	if !c.Offered() {
		t.Error("1.36.10 is of 1.36")
	}
}
