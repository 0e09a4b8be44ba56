//! Rows under a head, for people: columns as wide as what they hold, and no wider together than the terminal. Cells must be
//! clean already.

use console::{measure_text_width, truncate_str};

/// Blanks between two columns.
const GAP: usize = 2;
/// A last column that is narrower than this wraps below the row instead.
const NARROWEST: usize = 24;
/// How far what wraps below a row is indented.
const INDENT: usize = 4;

/// The first row is the head. Ends each line after its last cell that holds something.
#[must_use]
pub fn render(rows: &[Vec<String>]) -> String {
    let widths = widths(rows);
    rows.iter().map(|row| line(row, &widths) + "\n").collect()
}

/// What a table does to fit, in the order in which it is tried.
#[derive(Debug, Clone)]
pub enum Reduce {
    /// Leaves a column out.
    Drop(usize),
    /// Cuts the cells of a column, down to so many columns of the terminal.
    Cut(usize, usize),
    /// Puts shorter cells into a column: its head too.
    Replace(usize, Vec<String>),
}

/// The same, in so many columns: reduced as far as it has to be, then with the last column wrapped.
#[must_use]
pub fn fit(mut rows: Vec<Vec<String>>, reductions: &[Reduce], width: usize) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let mut gone = vec![false; columns];
    for reduction in reductions {
        let Some(over) = excess(&rows, &gone, width) else { break };
        match reduction {
            Reduce::Drop(at) => gone[*at] = true,
            Reduce::Cut(at, least) => {
                let wide = widths(&rows)[*at];
                let most = wide.saturating_sub(over).max(*least);
                for row in &mut rows {
                    row[*at] = truncate_str(&row[*at], most, "…").into_owned();
                }
            }
            Reduce::Replace(at, cells) => {
                for (row, cell) in rows.iter_mut().zip(cells) {
                    row[*at].clone_from(cell);
                }
            }
        }
    }
    let keep =
        |row: Vec<String>| row.into_iter().zip(&gone).filter(|(_, gone)| !**gone).map(|(cell, _)| cell);
    let rows: Vec<Vec<String>> = rows.into_iter().map(|row| keep(row).collect()).collect();
    if excess(&rows, &vec![false; rows.first().map_or(0, Vec::len)], width).is_none() {
        return render(&rows);
    }
    wrapped(&rows, width)
}

// By how much the rows are too wide; none: they fit.
fn excess(rows: &[Vec<String>], gone: &[bool], width: usize) -> Option<usize> {
    let kept = |row: &Vec<String>| {
        row.iter()
            .zip(gone)
            .filter(|(_, gone)| !**gone)
            .map(|(cell, _)| cell.clone())
            .collect::<Vec<String>>()
    };
    let rows: Vec<Vec<String>> = rows.iter().map(kept).collect();
    let widths = widths(&rows);
    let widest = rows.iter().map(|row| measure_text_width(&line(row, &widths))).max().unwrap_or(0);
    widest.checked_sub(width).filter(|over| *over > 0)
}

// With the last column broken at blanks: beside the others, or where they leave too little, below them.
fn wrapped(rows: &[Vec<String>], width: usize) -> String {
    let widths = widths(rows);
    let (_, others) = widths.split_last().unwrap_or((&0, &[]));
    let at: usize = others.iter().map(|width| width + GAP).sum();
    let beside = width >= at + NARROWEST;
    let indent = if beside { at } else { INDENT };
    let mut text = String::new();
    for row in rows {
        let (last, first) = row.split_last().map_or(("", &[][..]), |(last, first)| (last.as_str(), first));
        let head = line(first, others);
        let mut lines = broken(last, width.saturating_sub(indent).max(1)).into_iter();
        let fits = at + measure_text_width(last) <= width;
        if beside || fits {
            let begin = lines.next().unwrap_or_default();
            let begin = if fits { lines.by_ref().fold(begin, |all, next| all + " " + &next) } else { begin };
            let blanks = " ".repeat(at.saturating_sub(measure_text_width(&head)));
            text += format!("{head}{blanks}{begin}").trim_end();
        } else {
            text += &head;
        }
        text.push('\n');
        for next in lines {
            text += &format!("{}{next}\n", " ".repeat(indent));
        }
    }
    text
}

/// A text in lines of at most so many columns, broken at blanks; a longer word stays whole.
#[must_use]
pub fn broken(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if measure_text_width(line) + 1 + measure_text_width(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| {
        rows.iter().filter_map(|row| row.get(at)).map(|cell| measure_text_width(cell)).max().unwrap_or(0)
    };
    (0..columns).map(width).collect()
}

fn line(row: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in row.iter().zip(widths) {
        line.push_str(cell);
        line.push_str(&" ".repeat((width + GAP).saturating_sub(measure_text_width(cell))));
    }
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &[&[&str]]) -> Vec<Vec<String>> {
        text.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect()
    }

    #[test]
    fn columns_stand_below_each_other() {
        assert_eq!(
            render(&rows(&[&["host", "live"], &["web1", ""], &["ü", "a b"]])),
            "host  live\nweb1\nü     a b\n"
        );
    }

    #[test]
    fn a_table_is_reduced_as_far_as_it_has_to_be() {
        let table = || rows(&[&["host", "release", "state"], &["web1", "20261121T081502Z", "it is well"]]);
        let short = vec!["commit".to_owned(), "1a2b3c4".to_owned()];
        let reductions = [Reduce::Replace(1, short), Reduce::Cut(2, 6), Reduce::Drop(1)];
        let fitted = |width| fit(table(), &reductions, width);
        assert_eq!(fitted(34), "host  release           state\nweb1  20261121T081502Z  it is well\n");
        assert_eq!(fitted(33), "host  commit   state\nweb1  1a2b3c4  it is well\n");
        assert_eq!(fitted(23), "host  commit   state\nweb1  1a2b3c4  it is w…\n");
        assert_eq!(fitted(20), "host  state\nweb1  it is…\n");
    }

    #[test]
    fn a_last_column_that_does_not_fit_wraps() {
        let table = || rows(&[&["host", "state"], &["web1", "one two three four five six"], &["web2", "ok"]]);
        assert_eq!(
            fit(table(), &[], 32),
            "host  state\nweb1  one two three four five\n      six\nweb2  ok\n"
        );
        assert_eq!(
            fit(table(), &[], 20),
            "host  state\nweb1\n    one two three\n    four five six\nweb2  ok\n"
        );
    }
}
