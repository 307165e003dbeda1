/** The time of RFC 3659 §2.3: `YYYYMMDDHHMMSS` in UTC. Fractions of a second are left out. */
export function formatTimeValue(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 19).replace(/\D/g, "");
}

const form = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d{1,9})?$/;

/** Milliseconds since the epoch; undefined for text that is not a time value, or names a day that does not exist. */
export function parseTimeValue(text: string): number | undefined {
  const [, year, month, day, hour, minute, second, fraction = ""] = form.exec(text) ?? [];
  const parsedMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(parsedMs) || formatTimeValue(parsedMs) !== text.slice(0, 14)) return undefined;
  return parsedMs + Math.floor(Number(`0${fraction}`) * 1000);
}
