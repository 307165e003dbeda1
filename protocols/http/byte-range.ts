/** Bytes of a file from `start` on; `end` is behind the last. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

const singleRange = /^bytes *= *(?:(?<first>\d{1,15}) *- *(?<last>\d{0,15})|- *(?<suffix>\d{1,15}))$/i;

/**
 * Reads a Range field (RFC 9110 §14.2) for a file of this size. Undefined where the whole file is to be sent: another
 * unit, several ranges or something that is no range, all of which a server may ignore.
 */
export function parseByteRange(header: string, size: number): ByteRange | "unsatisfiable" | undefined {
  const groups = singleRange.exec(header.trim())?.groups;
  if (!groups) return undefined;
  const { first, last, suffix } = groups;
  if (suffix !== undefined) {
    const start = Math.max(0, size - Number(suffix));
    return start < size ? { start, end: size } : "unsatisfiable";
  }
  const start = Number(first);
  if (last !== "" && Number(last) < start) return undefined;
  if (start >= size) return "unsatisfiable";
  return { start, end: last === "" ? size : Math.min(size, Number(last) + 1) };
}
