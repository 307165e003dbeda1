const dateOrDateTime =
  /^(?<date>\d{4}-\d{2}-\d{2})(?:T(?<time>\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(?<zone>Z|[+-]\d{2}:\d{2})?)?$/;

/**
 * Reads a date or a date-time in the profile of ISO 8601 that RFC 3339 describes. A date alone means its midnight,
 * seconds may be left out, and without a zone the text is in UTC. Digits past the millisecond are dropped.
 * Answers milliseconds since the epoch, undefined for anything else (30 February included).
 */
export function parseInstant(text: string): number | undefined {
  const { date, time = "00:00", zone = "Z" } = dateOrDateTime.exec(text)?.groups ?? {};
  if (date === undefined || !isInCalendar(date)) return undefined;
  const instantMs = Date.parse(`${date}T${time}${zone}`);
  return Number.isNaN(instantMs) ? undefined : instantMs;
}

/** Date.parse carries the days past a month's end into the next month. */
function isInCalendar(date: string): boolean {
  const midnightMs = Date.parse(date);
  return !Number.isNaN(midnightMs) && new Date(midnightMs).toISOString().startsWith(date);
}
