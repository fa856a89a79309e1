package clients

// All are the kinds of programs that clients have. A new one is a file of its own and a line here.
func All() []Kind {
	return []Kind{
		newApplication,
	}
}
