package terminal

import "strings"

// Column of a table.
type Column struct {
	Title string
	// Wrap: the column gets the width that the other columns leave, and its cells are wrapped.
	Wrap bool
}

// Table renders rows below titles. Where the screen is too narrow for the columns side by side, every row becomes a
// block of labelled lines.
func (s Screen) Table(columns []Column, rows [][]string) string {
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = Width(c.Title)
	}
	for _, row := range rows {
		for i := range row {
			row[i] = Plain(row[i])
			widths[i] = max(widths[i], Width(row[i]))
		}
	}
	const gap, least = 2, 16
	fixed, wrapped := 0, -1
	for i, c := range columns {
		if c.Wrap {
			wrapped = i
			continue
		}
		fixed += widths[i] + gap
	}
	if wrapped >= 0 {
		widths[wrapped] = min(widths[wrapped], s.columns()-fixed)
	}
	if wrapped >= 0 && widths[wrapped] < min(least, Width(columns[wrapped].Title)+least) && fixed+least > s.columns() || wrapped < 0 && fixed-gap > s.columns() {
		return s.blocks(columns, rows)
	}
	var b strings.Builder
	titles := make([]string, len(columns))
	for i, c := range columns {
		titles[i] = c.Title
	}
	tableRow(&b, titles, widths, func(text string) string { return s.paint(bold, text) })
	for _, row := range rows {
		tableRow(&b, row, widths, func(text string) string { return text })
	}
	return b.String()
}

func tableRow(b *strings.Builder, row []string, widths []int, paint func(string) string) {
	cells := make([][]string, len(row))
	height := 1
	for i, cell := range row {
		cells[i] = lines(cell, widths[i], widths[i])
		height = max(height, len(cells[i]))
	}
	for n := range height {
		var line strings.Builder
		for i := range cells {
			text := ""
			if n < len(cells[i]) {
				text = cells[i][n]
			}
			line.WriteString(text + strings.Repeat(" ", max(0, widths[i]-Width(text))+2))
		}
		b.WriteString(paint(strings.TrimRight(line.String(), " ")) + "\n")
	}
}

func (s Screen) blocks(columns []Column, rows [][]string) string {
	var b strings.Builder
	label := 0
	for _, c := range columns {
		label = max(label, Width(c.Title))
	}
	for n, row := range rows {
		if n > 0 {
			b.WriteString("\n")
		}
		for i, cell := range row {
			if cell == "" {
				continue
			}
			title := columns[i].Title
			first := title + strings.Repeat(" ", label-Width(title)+2)
			b.WriteString(wrapPlain(cell, s.columns(), first, strings.Repeat(" ", label+2)))
		}
	}
	return b.String()
}

// Definitions renders names with their meanings beside them, indented by two.
func (s Screen) Definitions(rows [][2]string) string {
	const most = 26
	column := 0
	for _, row := range rows {
		column = max(column, min(Width(row[0]), most, s.columns()/2))
	}
	column += 4
	var b strings.Builder
	for _, row := range rows {
		name := "  " + row[0]
		if Width(name)+2 > column {
			b.WriteString(name + "\n")
			name = ""
		}
		first := name + strings.Repeat(" ", column-Width(name))
		b.WriteString(wrapPlain(row[1], s.columns(), first, strings.Repeat(" ", column)))
	}
	return b.String()
}
