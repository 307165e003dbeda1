import { FileError } from "../../../core/errors.ts";
import type { Configuration, Problem } from "./configuration.ts";

/** Reads every OpenPGP key: those that cannot be used, or not any more, each at its place in the file. */
export async function pgpKeyProblems({ file, pgpKeys }: Configuration): Promise<readonly Problem[]> {
  if (pgpKeys.length === 0) return [];
  const { usableKey } = await import("../pgp-keys.ts");
  const problems = pgpKeys.map(async (written): Promise<Problem[]> => {
    try {
      await usableKey(written);
      return [];
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      return [{ file, line: written.line, column: written.column, message: error.message }];
    }
  });
  return (await Promise.all(problems)).flat();
}
