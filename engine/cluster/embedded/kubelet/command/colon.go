package command

// colon is the shell's command that does nothing.
type colon struct{}

func (colon) Name() string { return ":" }

func (colon) Run(*World) int { return 0 }
