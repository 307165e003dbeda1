/**
 * JSON in printable ASCII, every other character by its number (RFC 8259 §7): it survives every transport, and no
 * viewer reorders or hides a part of it. With `indent` it has one member a line.
 */
export function asciiJson(value: unknown, indent?: number): string {
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value, undefined, indent).replace(/[^\x20-\x7e\n]/g, escaped);
}
