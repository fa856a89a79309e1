package command

// test answers about files of the machine.
type test struct{ name string }

func (t test) Name() string { return t.name }

func (t test) Run(w *World) int {
	args := w.Args
	if t.name == "[" {
		if len(args) == 0 || args[len(args)-1] != "]" {
			return Unanswered
		}
		args = args[:len(args)-1]
	}
	file, flags, of := w.Host.argument(args)
	if !of || len(flags) != 1 {
		return Unanswered
	}
	names, exists := w.Host.find(file)
	is := isFile(file, names)
	if exists && (flags[0] != "-f" || is) && (flags[0] != "-d" || !is) {
		return 0
	}
	return 1
}
