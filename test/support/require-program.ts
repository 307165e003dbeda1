import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

// Where the name of the package is not the name of the program.
const debianPackages: Readonly<Record<string, string>> = {
  sftp: "openssh-client",
  scp: "openssh-client",
  ssh: "openssh-client",
  "ssh-keygen": "openssh-client",
  sshd: "openssh-server",
  psftp: "putty-tools",
  paramiko: "python3-paramiko",
  testssl: "testssl.sh",
  clamd: "clamav-daemon",
  gpg: "gnupg",
  javac: "default-jdk-headless",
  "commons-net": "libcommons-net-java",
  jsch: "libjsch-java",
  moto_server: "none; moto[server] of PyPI",
  "python-with-aioftp": "none; a Python with aioftp of PyPI",
};

/**
 * For `skip` of a test that needs a system program: false where it is found, otherwise the reason. Where
 * FERRYGATE_REQUIRE is `all` a missing program fails the test file instead. `missing` stands in for the search on
 * PATH, for what is not a command: what is not there, or false.
 */
export function programOrSkip(
  program: string,
  missing: string | false = isOnPath(program) ? false : program,
): string | false {
  if (missing === false) return false;
  const reason = `${missing} is not installed (Debian package ${debianPackages[program] ?? program})`;
  if (process.env.FERRYGATE_REQUIRE === "all") throw new Error(`${reason}, and FERRYGATE_REQUIRE is all`);
  return reason;
}

/** For a program that Debian does not have: nobody is asked to install it, whatever FERRYGATE_REQUIRE says. */
export function optionalProgramOrSkip(program: string, source: string): string | false {
  return isOnPath(program) ? false : `${program} is not installed (${source}; never required)`;
}

/** Daemons stand in folders that are not on every user's PATH. */
export function isOnPath(program: string): boolean {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  return folders.some((folder) => isExecutable(join(folder, program)));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
