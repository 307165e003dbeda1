import { crc32, createDeflateRaw } from "node:zlib";
import type { PackedFile } from "../../ports/archives.ts";
import { convert } from "./content-conversions.ts";

/** From here on sizes are written in 64 bits; deflate may make a file a little larger than it is. */
const zip64Bytes = 0xf000_0000;
const version = { zip: 20, zip64: 45 };
/** Sizes follow the content (bit 3), the name is UTF-8 (bit 11). */
const flags = 0x0808;
const deflate = 8;

/** A ZIP of one deflated file (APPNOTE 6.3.10), written from its beginning to its end. */
export async function* zipOf(file: PackedFile): AsyncIterable<Uint8Array> {
  const isLarge = file.bytes >= zip64Bytes;
  const name = Buffer.from(file.name);
  const header = headerOf(file, isLarge);
  const sums = { checksum: 0, bytes: 0, packedBytes: 0 };
  const localExtra = isLarge ? zip64Extra([0, 0]) : Buffer.alloc(0);
  yield Buffer.concat([
    numbers([[4, 0x04034b50]]),
    header({ ...sums, packedBytes: 0 }),
    ends(name, localExtra),
    name,
    localExtra,
  ]);
  const content = counted(file.content, (piece) => {
    sums.checksum = crc32(piece, sums.checksum);
    sums.bytes += piece.length;
  });
  for await (const piece of convert(content, createDeflateRaw())) {
    sums.packedBytes += piece.length;
    yield piece;
  }
  const size = isLarge ? 8 : 4;
  yield numbers([
    [4, 0x08074b50],
    [4, sums.checksum],
    [size, sums.packedBytes],
    [size, sums.bytes],
  ]);
  const localBytes = 30 + name.length + localExtra.length + sums.packedBytes + 8 + 2 * size;
  yield centralDirectory({ name, header: header(sums), sums, isLarge, localBytes });
}

interface Sums {
  readonly checksum: number;
  readonly bytes: number;
  readonly packedBytes: number;
}

interface Central {
  readonly name: Buffer;
  readonly header: Buffer;
  readonly sums: Sums;
  readonly isLarge: boolean;
  readonly localBytes: number;
}

function centralDirectory({ name, header, sums, isLarge, localBytes }: Central): Buffer {
  const extra = isLarge ? zip64Extra([sums.bytes, sums.packedBytes]) : Buffer.alloc(0);
  const made = isLarge ? version.zip64 : version.zip;
  // No comment, disk 0, no attributes but those of a plain file, and the local header at the beginning.
  const rest: Field[] = [
    [2, 0],
    [2, 0],
    [2, 0],
    [4, (0o100644 << 16) >>> 0],
    [4, 0],
  ];
  const start = [
    numbers([
      [4, 0x02014b50],
      [2, (3 << 8) | made],
    ]),
    header,
    ends(name, extra),
    numbers(rest),
  ];
  const entry = Buffer.concat([...start, name, extra]);
  return Buffer.concat([
    entry,
    ...(isLarge ? [zip64End(entry.length, localBytes)] : []),
    end(entry.length, localBytes),
  ]);
}

function zip64End(entryBytes: number, offset: number): Buffer {
  const made = version.zip64;
  const record: Field[] = [
    [4, 0x06064b50],
    [8, 44],
    [2, made],
    [2, made],
    [4, 0],
    [4, 0],
    [8, 1],
    [8, 1],
    [8, entryBytes],
    [8, offset],
  ];
  const locator: Field[] = [
    [4, 0x07064b50],
    [4, 0],
    [8, offset + entryBytes],
    [4, 1],
  ];
  return numbers([...record, ...locator]);
}

function end(entryBytes: number, offset: number): Buffer {
  return numbers([
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, 1],
    [2, 1],
    [4, entryBytes],
    [4, Math.min(offset, 0xffff_ffff)],
    [2, 0],
  ]);
}

/** What the local header and the central directory have in common. */
function headerOf({ modifiedAtMs }: PackedFile, isLarge: boolean): (sums: Sums) => Buffer {
  const { date, time } = dosTime(modifiedAtMs);
  return ({ checksum, bytes, packedBytes }) =>
    numbers([
      [2, isLarge ? version.zip64 : version.zip],
      [2, flags],
      [2, deflate],
      [2, time],
      [2, date],
      [4, checksum],
      [4, isLarge ? 0xffff_ffff : packedBytes],
      [4, isLarge ? 0xffff_ffff : bytes],
    ]);
}

function ends(name: Buffer, extra: Buffer): Buffer {
  return numbers([
    [2, name.length],
    [2, extra.length],
  ]);
}

function zip64Extra(sizes: readonly number[]): Buffer {
  return numbers([[2, 1], [2, 8 * sizes.length], ...sizes.map((size): Field => [8, size])]);
}

/** MS-DOS has local time from 1980 on, in steps of two seconds; UTC is nobody's local time more than another's. */
function dosTime(modifiedAtMs: number): { readonly date: number; readonly time: number } {
  const moment = new Date(Math.min(Math.max(modifiedAtMs, Date.UTC(1980)), Date.UTC(2107, 11, 31)));
  const date = ((moment.getUTCFullYear() - 1980) << 9) | ((moment.getUTCMonth() + 1) << 5) | moment.getUTCDate();
  const time = (moment.getUTCHours() << 11) | (moment.getUTCMinutes() << 5) | (moment.getUTCSeconds() >> 1);
  return { date, time };
}

type Field = readonly [size: 2 | 4 | 8, value: number];

/** Little-endian, one behind the other. */
function numbers(fields: readonly Field[]): Buffer {
  const buffer = Buffer.alloc(fields.reduce((sum, [size]) => sum + size, 0));
  let offset = 0;
  for (const [size, value] of fields) {
    if (size === 8) buffer.writeBigUInt64LE(BigInt(value), offset);
    else buffer.writeUIntLE(value, offset, size);
    offset += size;
  }
  return buffer;
}

async function* counted(
  content: AsyncIterable<Uint8Array>,
  count: (piece: Uint8Array) => void,
): AsyncIterable<Uint8Array> {
  for await (const piece of content) {
    count(piece);
    yield piece;
  }
}
