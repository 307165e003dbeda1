import com.jcraft.jsch.ChannelSftp;
import com.jcraft.jsch.JSch;
import com.jcraft.jsch.Session;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** A session with JSch 0.1: port password file. Prints `done`, or why it ended. */
public class JschClient {
    public static void main(String[] arguments) throws Exception {
        Session session = new JSch().getSession("tester", "127.0.0.1", Integer.parseInt(arguments[0]));
        session.setPassword(arguments[1]);
        session.setConfig("StrictHostKeyChecking", "no");
        session.connect(20_000);
        ChannelSftp sftp = (ChannelSftp) session.openChannel("sftp");
        sftp.connect(20_000);
        byte[] content = Files.readAllBytes(Path.of(arguments[2]));
        sftp.put(new ByteArrayInputStream(Arrays.copyOf(content, 1000)), "/jsch.bin");
        sftp.put(arguments[2], "/jsch.bin", ChannelSftp.RESUME);
        ByteArrayOutputStream received = new ByteArrayOutputStream();
        sftp.get("/jsch.bin", received);
        boolean isEqual = Arrays.equals(content, received.toByteArray());
        session.disconnect();
        System.out.println(isEqual ? "done" : "the content differs");
    }
}
