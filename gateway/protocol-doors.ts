import type { FtpsListener, FtpsServer } from "../protocols/ftps/server.ts";
import type { SftpServer } from "../protocols/sftp/server.ts";
import type { Door } from "./doors.ts";

export function sftpDoor(server: SftpServer, port: number): Door {
  return { port, accept: (socket, peer) => server.accept(socket, peer) };
}

/** A door for each of the server's listeners, at the listener's port. */
export function ftpsDoors(server: FtpsServer, listeners: readonly FtpsListener[]): Door[] {
  return listeners.map(({ port, implicit }, index) => ({
    port,
    accept: (socket, peer) => {
      server.accept(socket, index, peer);
      // Under implicit TLS the connection has gone over to TLS by now, which reads it.
      if (!implicit) socket.resume();
    },
  }));
}
