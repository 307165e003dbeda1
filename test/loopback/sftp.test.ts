import { sftpFileClient } from "../support/file-clients.ts";
import { filesScript } from "./files-script.ts";

filesScript("sftp", ({ endpoints }, { privateKeyFile }, username) =>
  sftpFileClient(endpoints.sftp, username, privateKeyFile),
);
