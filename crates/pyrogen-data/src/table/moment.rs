//! Days, times of day and moments, as they are written.

use serde::{Deserialize, Serialize};

/// How the days or times of a column are written. A moment is a whole number of the format's unit:
/// days since 1 January 1970 for days, seconds since its beginning, or since midnight, for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MomentFormat {
    /// How the day is written, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<DayFormat>,
    /// How the time of day is written, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeFormat>,
}

/// How a day is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayFormat {
    /// The order of year, month and day.
    pub order: DayOrder,
    /// What stands between them; nothing in `20240131`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<char>,
    /// Whether months and days below ten have a leading zero.
    pub padded: bool,
}

/// The order of the parts of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayOrder {
    /// 2024-01-31.
    YearMonthDay,
    /// 31.01.2024.
    DayMonthYear,
    /// 01/31/2024.
    MonthDayYear,
}

/// How a time of day is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeFormat {
    /// What stands between day and time: a blank or `T`.
    pub mark: char,
    /// Whether there are seconds.
    pub seconds: bool,
    /// Whether a `Z` ends it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub zulu: bool,
}

const DAY: i64 = 86_400;

/// Years that are taken for years.
const YEARS: std::ops::RangeInclusive<i64> = 1..=9999;

/// Years of days that are written as one number: others are numbers.
const RECENT_YEARS: std::ops::RangeInclusive<i64> = 1900..=2100;

/// Numbers of eight digits that are days by chance are fewer.
const FEWEST_NUMBERS: usize = 5;

impl MomentFormat {
    /// The format that all cells have; none where there is none. Where month and day could be either,
    /// the month is first with slashes and the day with points and dashes.
    pub(super) fn find<'a>(cells: impl Iterator<Item = &'a str> + Clone) -> Option<Self> {
        let first = cells.clone().next()?;
        // Cells of one format are about as long as another; this makes most columns cheap.
        if !first.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let numbers = first.len() == 8 && first.bytes().all(|b| b.is_ascii_digit());
        if numbers && cells.clone().take(FEWEST_NUMBERS).count() < FEWEST_NUMBERS {
            return None;
        }
        Self::candidates(first).into_iter().find_map(|mut format| {
            // Whatever the others are: this makes columns of numbers cheap.
            format.read(first)?;
            if let Some(day) = &mut format.day {
                day.padded = !cells.clone().any(|cell| has_single(cell, day.mark));
            }
            let same = |cell| format.read(cell).is_some_and(|value| format.print(value) == cell);
            cells.clone().all(same).then_some(format)
        })
    }

    /// Formats that a text could have.
    fn candidates(cell: &str) -> Vec<Self> {
        let (day, time) = match cell.find([' ', 'T']) {
            Some(at) => (Some(&cell[..at]), Some((&cell[at + 1..], cell.as_bytes()[at] as char))),
            None if cell.contains(':') => (None, Some((cell, ' '))),
            None => (Some(cell), None),
        };
        let time = time.map(|(text, mark)| TimeFormat {
            mark,
            seconds: text.matches(':').count() == 2,
            zulu: text.ends_with('Z'),
        });
        let Some(day) = day else {
            return vec![Self { day: None, time }];
        };
        use DayOrder::{DayMonthYear, MonthDayYear, YearMonthDay};
        let mark = day.chars().find(|c| !c.is_ascii_digit());
        let orders = match mark {
            None => &[YearMonthDay][..],
            Some('/') => &[YearMonthDay, MonthDayYear, DayMonthYear],
            Some('-' | '.') => &[YearMonthDay, DayMonthYear, MonthDayYear],
            Some(_) => &[],
        };
        let format = |&order| Self { day: Some(DayFormat { order, mark, padded: true }), time };
        orders.iter().map(format).collect()
    }

    /// A text as a number of the format's unit.
    pub(crate) fn read(&self, cell: &str) -> Option<i64> {
        match (&self.day, &self.time) {
            (Some(day), None) => day.read(cell),
            (None, Some(time)) => time.read(cell),
            (Some(day), Some(time)) => {
                let (date, clock) = cell.split_once(time.mark)?;
                Some(day.read(date)? * DAY + time.read(clock)?)
            }
            (None, None) => None,
        }
    }

    /// The text of a number of the unit; times of day go round.
    pub(crate) fn print(&self, value: i64) -> String {
        match (&self.day, &self.time) {
            (Some(day), None) => day.print(value),
            (None, Some(time)) => time.print(value.rem_euclid(DAY)),
            (Some(day), Some(time)) => {
                let clock = time.print(value.rem_euclid(DAY));
                format!("{}{}{clock}", day.print(value.div_euclid(DAY)), time.mark)
            }
            (None, None) => value.to_string(),
        }
    }
}

/// Whether a month or day is written with one digit.
fn has_single(cell: &str, mark: Option<char>) -> bool {
    let date = cell.split([' ', 'T']).next().unwrap_or_default();
    mark.is_some_and(|mark| date.split(mark).any(|part| part.len() == 1))
}

impl DayFormat {
    fn read(&self, cell: &str) -> Option<i64> {
        let number = |text: &str, digits: std::ops::RangeInclusive<usize>| {
            let fits = digits.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
            if fits { text.parse::<i64>().ok() } else { None }
        };
        let (year, month, day) = match self.mark {
            None => {
                let all = number(cell, 8..=8)?;
                let year = Some(all / 10_000).filter(|year| RECENT_YEARS.contains(year))?;
                (year, all / 100 % 100, all % 100)
            }
            Some(mark) => {
                let mut parts = cell.split(mark);
                let mut next = || parts.next();
                let (a, b, c) = (next()?, next()?, next()?);
                if next().is_some() {
                    return None;
                }
                let (year, month, day) = match self.order {
                    DayOrder::YearMonthDay => (a, b, c),
                    DayOrder::DayMonthYear => (c, b, a),
                    DayOrder::MonthDayYear => (c, a, b),
                };
                (number(year, 4..=4)?, number(month, 1..=2)?, number(day, 1..=2)?)
            }
        };
        let valid = YEARS.contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_of_month(year, month)).contains(&day);
        valid.then(|| days_from_civil(year, month, day))
    }

    fn print(&self, days: i64) -> String {
        let last = days_from_civil(*YEARS.end(), 12, 31);
        let (year, month, day) = civil_from_days(days.clamp(days_from_civil(1, 1, 1), last));
        let two = |n: i64| if self.padded { format!("{n:02}") } else { n.to_string() };
        let (year, month, day) = (format!("{year:04}"), two(month), two(day));
        let mark = self.mark.map(String::from).unwrap_or_default();
        match self.order {
            DayOrder::YearMonthDay => [year, month, day].join(&mark),
            DayOrder::DayMonthYear => [day, month, year].join(&mark),
            DayOrder::MonthDayYear => [month, day, year].join(&mark),
        }
    }
}

impl TimeFormat {
    fn read(&self, cell: &str) -> Option<i64> {
        let cell = if self.zulu { cell.strip_suffix('Z')? } else { cell };
        let mut parts = cell.split(':');
        let mut next = |top: i64| {
            let text = parts.next()?;
            let fits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
            text.parse::<i64>().ok().filter(|n| fits && *n < top)
        };
        let (hours, minutes) = (next(24)?, next(60)?);
        let seconds = if self.seconds { next(60)? } else { 0 };
        match parts.next() {
            None => Some(hours * 3600 + minutes * 60 + seconds),
            Some(_) => None,
        }
    }

    fn print(&self, seconds: i64) -> String {
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        let zulu = if self.zulu { "Z" } else { "" };
        match self.seconds {
            true => format!("{hours:02}:{minutes:02}:{:02}{zulu}", seconds % 60),
            false => format!("{hours:02}:{minutes:02}{zulu}"),
        }
    }
}

fn is_leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

fn days_of_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days before the year, from 1 January of year 1.
fn days_before_year(year: i64) -> i64 {
    let y = year - 1;
    365 * y + y / 4 - y / 100 + y / 400
}

/// Days since 1 January 1970 in the Gregorian calendar, for years from 1 on.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let months: i64 = (1..month).map(|m| days_of_month(year, m)).sum();
    days_before_year(year) - days_before_year(1970) + months + day - 1
}

/// Year, month and day of a number of days since 1 January 1970.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let from_one = days + days_before_year(1970);
    // A year has 365.2425 days: this is right or one too many or too few.
    let mut year = (from_one as f64 / 365.2425).floor() as i64 + 1;
    while days_before_year(year) > from_one {
        year -= 1;
    }
    while days_before_year(year + 1) <= from_one {
        year += 1;
    }
    let mut left = from_one - days_before_year(year);
    let mut month = 1;
    while left >= days_of_month(year, month) {
        left -= days_of_month(year, month);
        month += 1;
    }
    (year, month, left + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calendar_is_the_gregorian_one() {
        // Known days; the second is the first after the reform, the last but one a leap day.
        for (date, days) in [
            ((1970, 1, 1), 0),
            ((1582, 10, 15), -141_427),
            ((2000, 3, 1), 11_017),
            ((2024, 2, 29), 19_782),
            ((9999, 12, 31), 2_932_896),
        ] {
            assert_eq!(days_from_civil(date.0, date.1, date.2), days);
            assert_eq!(civil_from_days(days), date);
        }
        for days in (-719_162..2_932_896).step_by(97) {
            let (y, m, d) = civil_from_days(days);
            assert_eq!(days_from_civil(y, m, d), days);
        }
    }

    #[test]
    fn formats_are_found_and_moments_written_back() {
        for (cells, first) in [
            (&["2024-01-31", "1999-12-05"][..], 19_753),
            (&["31.01.2024", "5.12.1999"], i64::MIN),
            (&["31.1.2024", "5.12.1999"], 19_753),
            (&["01/31/2024", "12/05/1999"], 19_753),
            (&["31/01/2024", "05/12/1999"], 19_753),
            (&["2024/01/31", "1999/12/05"], 19_753),
            (&["20240131", "19991205", "20000101", "20000102", "20000103"], 19_753),
            (&["2024-01-31 13:05:09", "1999-12-05 00:00:00"], 19_753 * DAY + 47_109),
            (&["2024-01-31T13:05:09Z", "1999-12-05T00:00:00Z"], 19_753 * DAY + 47_109),
            (&["31.01.2024 13:05", "05.12.1999 00:00"], 19_753 * DAY + 47_100),
            (&["13:05", "00:00"], 47_100),
            (&["13:05:09", "23:59:59"], 47_109),
        ] {
            let found = MomentFormat::find(cells.iter().copied());
            let Some(format) = found else {
                assert_eq!(first, i64::MIN, "{cells:?}");
                continue;
            };
            assert_eq!(format.read(cells[0]), Some(first), "{cells:?}");
            for cell in cells {
                assert_eq!(format.print(format.read(cell).unwrap()), *cell);
            }
        }
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for cells in [
            &["2024-02-30", "2024-01-01"][..],
            &["2024-01-01", "soon"],
            &["20240131", "12345678", "20000101", "20000102", "20000103"],
            &["20240131", "20240201"],
            &["25:00", "10:00"],
            &["12.5", "13.5"],
            &["1.2.3", "1.2.4"],
            &["", "x"],
        ] {
            assert_eq!(MomentFormat::find(cells.iter().copied()), None, "{cells:?}");
        }
    }

    #[test]
    fn samples_are_valid_moments() {
        let format = MomentFormat::find(["13:05", "00:00"].into_iter()).unwrap();
        assert_eq!(format.print(DAY + 60), "00:01");
        let format = MomentFormat::find(["2024-01-31"].into_iter()).unwrap();
        assert_eq!(format.print(i64::MAX / 2), "9999-12-31");
        assert_eq!(format.print(-i64::MAX / 2), "0001-01-01");
    }
}
