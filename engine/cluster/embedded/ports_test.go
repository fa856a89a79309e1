package embedded

import (
	"net"
	"testing"
)

// TestPortsOfAClusterThatStartsAreItsOwn is about clusters that start at the same time: a port was once given to two of
// them, since controller managers listen only seconds later, and one of them ended again and again.
func TestPortsOfAClusterThatStartsAreItsOwn(t *testing.T) {
	first, release, err := ports{}.settle(0)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	second, releaseSecond, err := first.settle(0)
	if err != nil {
		t.Fatal(err)
	}
	defer releaseSecond()
	for _, p := range []int{second.API, second.EtcdClient, second.EtcdPeer, second.ControllerManager, second.Scheduler} {
		for _, taken := range []int{first.API, first.EtcdClient, first.EtcdPeer, first.ControllerManager, first.Scheduler} {
			if p == taken {
				t.Errorf("port %d is given twice: %+v, %+v", p, first, second)
			}
		}
	}
	release()
	third, releaseThird, err := first.settle(0)
	if err != nil {
		t.Fatal(err)
	}
	defer releaseThird()
	if third != first {
		t.Errorf("got %+v although %+v are free again", third, first)
	}
}

func TestAPortThatWasAskedForMayBeSharedWithUDP(t *testing.T) {
	other, err := net.ListenPacket("udp", loopback(0))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	want := other.LocalAddr().(*net.UDPAddr).Port
	got, release, err := ports{}.settle(want)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if got.API != want {
		t.Errorf("the API server gets port %d, not %d", got.API, want)
	}
}
