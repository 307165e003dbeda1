const mostCharacters = 200;

/** What a site said, for one line of a record: its first line without control characters, and not all of a long one. */
export function wordsOf(text: string): string {
  const [line = ""] = text.trim().split(/[\r\n]/, 1);
  return line.replace(/\p{Cc}/gu, " ").slice(0, mostCharacters);
}
