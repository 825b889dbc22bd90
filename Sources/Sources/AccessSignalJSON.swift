package import ByteText
internal import Grants

extension AccessSignal {
  /// Writes the signal as `grantctl recognize` prints it.
  ///
  /// - Parameter userName: the name of a uid.
  package func write(to writer: inout JSONWriter, userName: (UInt32) -> String?) {
    writer.beginObject()
    writer.member("time", time: time)
    writer.member("cursor", cursor)
    writer.member("source", source)
    writer.member("tool", tool)
    writer.member("type", type.rawValue)
    writer.member("kind", kind?.rawValue)
    writer.member("subject", subject)
    writer.member("object", object)
    writer.member("right", right)
    if let members { writer.member("members", members) }
    writer.key("actor")
    actor(userName).write(to: &writer)
    writer.member("trusted", trusted)
    writer.member("message", message)
    writer.endObject()
  }

  /// Who did it: in the tool's own words, else by the sender's uid.
  private func actor(_ userName: (UInt32) -> String?) -> Actor {
    var actor = Actor()
    actor.uid = uid == .max ? nil : uid
    actor.user = actorUser ?? actor.uid.map { userName($0) ?? "\($0)" }
    actor.loginUID = loginUID
    actor.loginUser = loginUID.map { userName($0) ?? "\($0)" }
    actor.session = session
    actor.pid = pid > 0 ? pid : nil
    actor.command = command
    return actor
  }
}
