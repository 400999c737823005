import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import java.util.List;

/**
 * Answers MongoDB's protocol on a port of the loopback interface, keeps everything in memory, and
 * prints its address when it is ready. By itself mongo-java-server announces an older version than
 * MongoDB's driver accepts, though it does all that the adapters ask for.
 */
public class StandIn {
  public static void main(String[] args) {
    MongoVersion version =
        new MongoVersion() {
          public List<Integer> getVersionArray() {
            return List.of(4, 4, 0);
          }

          public int getWireVersion() {
            return 9;
          }

          public String toVersionString() {
            return "4.4.0 (stand-in: mongo-java-server)";
          }
        };
    MemoryBackend backend = new MemoryBackend();
    backend.version(version);
    MongoServer server = new MongoServer(backend);
    server.bind("127.0.0.1", Integer.parseInt(args[0]));
    System.out.println(server.getConnectionString());
  }
}
