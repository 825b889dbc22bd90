import ByteText
import Grants
import Watchdog

let boot = "0123456789abcdef0123456789abcdef"

/// A moment some seconds after an arbitrary one.
func moment(_ seconds: Int64 = 0) -> Moment {
  Moment(
    wall: Timestamp(microseconds: 1_700_000_000_000_000 + seconds * 1_000_000),
    up: 1_000_000_000 + seconds * 1_000_000, boot: boot)
}

/// A grant on files, named by number and inode.
func fileGrant(_ id: String, _ objects: [(String, UInt64)], state: GrantState = .active) -> Grant {
  var grant = Grant(
    id: id, incident: "i-aaaa", host: "stage", kind: .fileMode, subject: "everyone",
    object: "file:/srv", right: "write", at: moment())
  grant.state = state
  grant.items = objects.map {
    GrantItem(
      object: $0.0, before: "0640", after: "0642",
      identity: FileIdentity(device: 1, inode: $0.1, birth: 0))
  }
  return grant
}

func memberGrant(_ id: String, _ user: String, _ group: String) -> Grant {
  var grant = Grant(
    id: id, incident: "i-bbbb", host: "stage", kind: .groupMember, subject: "user:\(user)",
    object: "group:\(group)", right: "member", at: moment())
  grant.items = [GrantItem(object: "group:\(group)", before: "absent", after: "member")]
  return grant
}

func outboxEvent(_ sequence: Int64, _ subject: String? = nil) -> OutboxEvent {
  OutboxEvent(
    sequence: sequence, type: "grant.detected", time: moment(sequence).wall, severity: .high,
    subject: subject, text: "event \(sequence)", wantsCode: false)
}
