package command

// All are the commands of simulated containers, in the order in which the answer to an unknown command tells about
// them.
func All() []Command {
	return []Command{
		hostname{},
		env{},
		printenv{},
		id{},
		whoami{},
		date{},
		pwd{},
		ls{},
		cat{},
		echo{},
		sleep{},
		yes{},
		no{},
		colon{},
		exit{},
		test{"test"},
		test{"["},
		nsenter{},
		shell{"sh"},
		shell{"bash"},
		shell{"ash"},
	}
}
