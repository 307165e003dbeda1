import { limits } from "../../../core/limits.ts";
import { type FileReader, resolvePath } from "./file-reader.ts";
import { InvalidValue } from "./invalid-value.ts";

/** Where secrets come from that do not stand in the configuration file itself. */
export interface SecretSource {
  /** The text of a file, without line breaks at its end. @throws InvalidValue */
  fromFile(path: string): string;
  /** @throws InvalidValue when the environment has no such variable, or an empty one. */
  fromVariable(name: string): string;
}

/** @param folder relative paths start from here */
export function createSecretSource(
  folder: string,
  reader: FileReader,
  environment: Readonly<Record<string, string | undefined>>,
): SecretSource {
  return {
    fromFile(path) {
      const text = decodeUtf8(reader.read(resolvePath(path, folder), limits.secretBytes)).replace(/[\r\n]+$/, "");
      if (text === "") throw new InvalidValue(`${JSON.stringify(path)} is empty`);
      return text;
    },
    fromVariable(name) {
      const text = environment[name];
      if (!text) throw new InvalidValue(`the environment variable ${name} is not set`);
      return text;
    },
  };
}

/** @throws InvalidValue */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new InvalidValue("the file is not UTF-8 text");
  }
}
