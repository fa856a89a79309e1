package text_test

import (
	"testing"

	"github.com/k8slab/k8slab/text"
)

func TestTheSameValuesAreFilledIntoBothLanguages(t *testing.T) {
	inner := text.Text{EN: "the node", JA: "ノード"}
	names := text.List{"a", "b"}
	for _, c := range []struct {
		name string
		got  text.Text
		want text.Text
	}{
		{"without values", text.New("done", "完了"), text.Text{EN: "done", JA: "完了"}},
		{"in another order", text.New("%s of %d", "%[2]d のうち %[1]s", "a", 3), text.Text{EN: "a of 3", JA: "3 のうち a"}},
		{"a text in its language", text.New("look at %s", "%sを見ます", inner), text.Text{EN: "look at the node", JA: "ノードを見ます"}},
		{"a pointer to a text", text.New("look at %s", "%sを見ます", &inner), text.Text{EN: "look at the node", JA: "ノードを見ます"}},
		{"a list with the comma of each language", text.New("has %s", "%s があります", names), text.Text{EN: "has a, b", JA: "a、b があります"}},
		{"several findings", text.Sentences([]text.Text{{EN: "one", JA: "一"}, {EN: "two", JA: "二"}}), text.Text{EN: "one; two", JA: "一。二"}},
		{"a name", text.Plain("web"), text.Text{EN: "web", JA: "web"}},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, c.got, c.want)
		}
	}
}

func TestTheNearestWordIsTheOneThatWasMeant(t *testing.T) {
	words := []string{"drain", "deadlock", "two-budgets"}
	for word, want := range map[string]string{"drian": "drain", "DRAIN": "drain", "dedlock": "deadlock", "upgrade": "", "": ""} {
		if got, ok := text.Nearest(word, words); got != want || ok != (want != "") {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}
