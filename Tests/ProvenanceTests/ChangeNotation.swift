import Grants

/// A change in one short line: `everyone rwx /srv/data R`, `bob in docker ?`.
func notation(_ change: ProposedChange) -> String {
  var text: String
  switch change.kind {
  case .groupMember:
    text = "\(change.subject.dropFirst(5)) in \(change.object.dropFirst(6))"
  case .fileMode:
    let letters = ["read": "r", "write": "w", "execute": "x", "setuid": "U", "setgid": "G"]
    let rights = change.right.split(separator: " ").map { letters[String($0)] ?? "?" }.joined()
    text = "\(change.subject) \(rights) \(change.object.dropFirst(5))"
  case .fileOwner: text = "\(change.subject) owns \(change.object.dropFirst(5))"
  case .fileACL:
    let letters = ["read": "r", "write": "w", "execute": "x"]
    let rights = change.right.split(separator: " ").map { letters[String($0)] ?? "?" }.joined()
    text = "\(change.subject) acl \(rights) \(change.object.dropFirst(5))"
  case .fileCapability: text = "\(change.right) \(change.object.dropFirst(5))"
  case .account: text = "account \(change.right) \(change.subject.dropFirst(5))"
  case .sudoRule: text = "sudo \(change.subject) \(change.right) @\(change.object.dropFirst(8))"
  case .sshKey: text = "\(change.subject) \(change.object.dropFirst(8))"
  case .polkitRule: text = change.object
  default: text = "\(change.subject) \(change.right) \(change.object)"
  }
  if change.recursive { text += " R" }
  if !change.exact { text += " ?" }
  return text
}
