//! Rows under a head, for people: columns as wide as what they hold. Cells must be clean already.

use console::measure_text_width;

/// The first row is the head. Ends each line after its last cell that holds something.
#[must_use]
pub fn render(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|at| {
            rows.iter().filter_map(|row| row.get(at)).map(|cell| measure_text_width(cell)).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width + 2 - measure_text_width(cell)));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_stand_below_each_other() {
        let rows = [["host", "live"], ["web1", ""], ["ü", "a b"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(super::render(&rows), "host  live\nweb1\nü     a b\n");
    }
}
