package command

type no struct{}

func (no) Name() string  { return "false" }
func (no) Usage() string { return "false" }

func (no) Run(*World) int { return 1 }
