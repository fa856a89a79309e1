package command

type yes struct{}

func (yes) Name() string  { return "true" }
func (yes) Usage() string { return "true" }

func (yes) Run(*World) int { return 0 }
