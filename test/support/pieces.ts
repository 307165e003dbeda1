/** Cuts bytes into pieces of the given sizes; the last takes the rest. */
export function pieces(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const result: Buffer[] = [];
  let start = 0;
  for (const size of sizes) {
    result.push(bytes.subarray(start, start + size));
    start += size;
  }
  return [...result, bytes.subarray(start)];
}
