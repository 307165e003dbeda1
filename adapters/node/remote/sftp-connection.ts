import { createHash } from "node:crypto";
import ssh2, { type ConnectConfig, type SFTPWrapper } from "ssh2";
import { FileError } from "../../../core/errors.ts";
import { limits } from "../../../core/limits.ts";
import type { RemoteDestination } from "../../../core/remote-destination.ts";
import { Answers, connectionError, within } from "./deadline.ts";

/** A login at an SFTP server. */
export interface SftpConnection {
  readonly sftp: SFTPWrapper;
  readonly answers: Answers;
  end(): void;
}

/**
 * Connects and logs in, when the server has one of the pinned host keys. The password or the private key is not used
 * before that is known. @throws FileError as `RemoteSites.open`
 */
export async function connectSftp(destination: RemoteDestination): Promise<SftpConnection> {
  const client = new ssh2.Client();
  const end = () => void client.destroy();
  // What breaks later shows in the requests under way.
  client.on("error", () => {});
  const answers = new Answers(destination.timeoutMs, end);
  client.on("close", () => answers.end());
  try {
    const sftp = await within(login(client, destination), destination.timeoutMs, end);
    return { sftp, answers, end };
  } catch (error) {
    end();
    throw error;
  }
}

function login(client: InstanceType<typeof ssh2.Client>, destination: RemoteDestination): Promise<SFTPWrapper> {
  const { hostKeys, password } = destination;
  let shownKey: string | undefined;
  const hostVerifier = (hostKey: Buffer) => {
    shownKey = createHash("sha256").update(hostKey).digest("base64").replace(/=+$/, "");
    return hostKeys.includes(shownKey);
  };
  return new Promise((resolve, reject) => {
    client
      .on("error", (error) => {
        const isOther = shownKey !== undefined && !hostKeys.includes(shownKey);
        reject(isOther ? otherHost(shownKey) : loginError(error));
      })
      .on("close", () => reject(connectionError(new Error("the connection ended"))))
      // Servers that ask for a password through PAM ask this way.
      .on("keyboard-interactive", (...[, , , prompts, finish]) => finish(prompts.map(() => password ?? "")))
      .on("ready", () => {
        client.sftp((error, sftp) => {
          if (error) reject(connectionError(error));
          else resolve(sftp);
        });
      })
      .connect({ ...connectConfig(destination), hostVerifier });
  });
}

function connectConfig({ address, user, password, privateKey, passphrase, timeoutMs }: RemoteDestination) {
  const config: ConnectConfig = {
    host: address.host,
    port: address.port,
    readyTimeout: timeoutMs,
    keepaliveInterval: Math.min(timeoutMs, limits.sshKeepaliveMs),
    keepaliveCountMax: 1,
    ...(user !== undefined && { username: user }),
    ...(password !== undefined && { password, tryKeyboard: true }),
    ...(privateKey !== undefined && { privateKey }),
    ...(passphrase !== undefined && { passphrase }),
  };
  return config;
}

function otherHost(shownKey: string | undefined): FileError {
  return new FileError(
    "permission-denied",
    `the destination has another host key than those pinned: SHA256:${shownKey}`,
  );
}

function loginError(error: Error & { readonly level?: string }): FileError {
  if (error.level !== "client-authentication") return connectionError(error);
  return new FileError("permission-denied", "the destination refused the login", { cause: error });
}
