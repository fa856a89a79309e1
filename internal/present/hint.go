package present

import (
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/text"
)

// Hint is a hint that was taken.
type Hint struct {
	// Heading says the number of the hint and its cost; Body is Markdown.
	Heading, Body text.Text
	// Note says what the next hint costs, or what is left to do if there is no other hint.
	Note engine.Advice
}

// HintOf returns the hint of the session's step.
func HintOf(s *engine.Session, h *engine.Hint) Hint {
	cost := text.Text{EN: "free", JA: "減点なし"}
	if h.Cost > 0 {
		cost = Points(h.Cost)
	}
	return Hint{Heading: text.New("Hint %d of %d (%s)", "ヒント %d / %d (%s)", h.Level, h.Levels, cost), Body: h.Text, Note: hintNote(s, h)}
}

// In returns the hint as a section in the language.
func (h Hint) In(lang text.Lang) Section { return Section{h.Heading.In(lang), h.Body.In(lang)} }

func hintNote(s *engine.Session, h *engine.Hint) engine.Advice {
	if h.Passed {
		return engine.Advice{Text: text.Text{EN: "This step has passed already, so hints cost nothing any more.", JA: "このステップには合格しているので、ヒントを見ても点は引かれません。"}}
	}
	next := engine.HintAfter(s, h)
	if next.Level == 0 {
		return engine.Advice{Text: text.Text{EN: "That was the last hint. {0} shows the solution; the step then earns no points.",
			JA: "これが最後のヒントです。{0} で解答を見られますが、このステップの得点はなくなります。"}, Do: []action.Action{action.Do(action.Solution)}}
	}
	return engine.Advice{Text: text.New("Hint %d costs %s.", "ヒント %d を見ると %s引かれます。", next.Level, Points(next.Cost))}
}

// OfferOf says what the next hint costs, before it is taken.
func OfferOf(s *engine.Session) engine.Advice {
	offer := engine.NextHint(s)
	switch {
	case offer.Level == 0:
		return engine.Advice{Text: text.Text{EN: "You have all the hints; {0} shows the last one again.", JA: "ヒントはすべて表示しました。{0} で最後のヒントをもう一度見られます。"},
			Do: []action.Action{action.Do(action.Hint)}}
	case offer.Cost == 0:
		return engine.Advice{Text: text.New("Hint %d of %d is free.", "ヒント %d / %d では点は引かれません。", offer.Level, offer.Levels)}
	default:
		return engine.Advice{Text: text.New("Hint %d of %d costs %s.", "ヒント %d / %d を見ると %s引かれます。", offer.Level, offer.Levels, Points(offer.Cost))}
	}
}
