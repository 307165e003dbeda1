import { crc32, deflateRawSync } from "node:zlib";

/** One entry of a ZIP made by hand; what is not given is as it should be. */
export interface ZipSample {
  readonly name: string | Buffer;
  readonly content: Buffer;
  readonly flags?: number;
  readonly method?: number;
  readonly checksum?: number;
  /** As the directory says. */
  readonly bytes?: number;
  readonly attributes?: number;
  /** Where the directory says that the entry begins. */
  readonly offset?: number;
}

/** A ZIP with these entries, right or wrong. */
export function zipOf(samples: readonly ZipSample[]): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let position = 0;
  for (const sample of samples) {
    const name = Buffer.from(sample.name);
    const method = sample.method ?? 8;
    const packed = method === 8 ? deflateRawSync(sample.content) : sample.content;
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(sample.flags ?? 0x0800, 2);
    fields.writeUInt16LE(method, 4);
    fields.writeUInt32LE(sample.checksum ?? crc32(sample.content), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(sample.bytes ?? sample.content.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), fields, name, packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(sample.attributes ?? 0, 6);
    rest.writeUInt32LE(sample.offset ?? position, 10);
    central.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\x03", "latin1"), fields, rest, name]));
    locals.push(local);
    position += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(samples.length, 8);
  end.writeUInt16LE(samples.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(position, 16);
  return Buffer.concat([...locals, directory, end]);
}
