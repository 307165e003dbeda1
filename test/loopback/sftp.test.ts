import { sftpFileClient } from "../support/file-clients.ts";
import { type Connect, filesScript } from "./files-script.ts";
import { inS3 } from "./s3-store.ts";

const connect: Connect = ({ endpoints }, { privateKeyFile }, username) =>
  sftpFileClient(endpoints.sftp, username, privateKeyFile);

filesScript("sftp", connect);
filesScript("sftp", connect, inS3);
