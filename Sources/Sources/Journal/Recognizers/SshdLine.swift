internal import ByteText
internal import Grants

/// Lines of sshd(8), OpenSSH 9: `Accepted publickey for alice from 127.0.0.1 port 43168 ssh2:
/// ED25519 SHA256:…`, `Accepted password for alice from …`, and refusals. A user's name is the
/// client's choice: what stands behind it is read from the right.
package enum SshdLine: Recognizer {
  package static let identifiers = ["sshd", "sshd-session"]

  private static let trust = SenderTrust(
    programs: [
      "/usr/sbin/sshd", "/usr/lib/openssh/sshd-session", "/usr/libexec/openssh/sshd-session",
    ], sender: .root)

  package static func recognize(_ fields: JournalFields) -> Recognition? {
    fields.message.flatMap { read($0[...]) }.map { trust.judge($0, fields) }
  }

  private static func read(_ line: ArraySlice<UInt8>) -> Recognition? {
    if let text = rest(of: line, after: "Accepted "),
      let (method, told) = readings(text, cutAt: " for ").first
    {
      return accepted(method, told)
    }
    if let session = PAMSession.opened(line) { return login(session.user) }
    if let text = rest(of: line, after: "Failed "),
      let (method, told) = readings(text, cutAt: " for ").first
    {
      let user = rest(of: told, after: "invalid user ") ?? told
      return refused(peeled(user), key: method.elementsEqual("publickey".utf8) ? told : nil)
    }
    if let text = rest(of: line, after: "Invalid user ") { return refused(peeled(text)) }
    for words in [
      "Connection closed by authenticating user ", "Connection reset by authenticating user ",
      "Disconnected from authenticating user ", "Connection closed by invalid user ",
      "Connection reset by invalid user ", "Disconnected from invalid user ",
      "Disconnecting authenticating user ",
    ] as [StaticString] {
      guard let text = rest(of: line, after: words), rest(of: text, before: " [preauth]") != nil
      else { continue }
      return refused(user(before: text))
    }
    return nil
  }

  private static func accepted(
    _ method: ArraySlice<UInt8>, _ told: ArraySlice<UInt8>
  ) -> Recognition? {
    guard let user = peeled(told) else { return nil }
    guard method.elementsEqual("publickey".utf8), let key = fingerprint(told) else {
      return login(user)
    }
    var recognition = Recognition(
      .use, kind: .sshKey, subject: "key:" + key, object: named("account:", user), right: "login")
    recognition.trusted = true
    recognition.echo = Echo(.process, "login")
    return recognition
  }

  private static func login(_ user: ArraySlice<UInt8>) -> Recognition {
    var recognition = Recognition(
      .use, kind: .account, subject: named("user:", user), object: named("account:", user),
      right: "login")
    recognition.trusted = true
    recognition.echo = Echo(.process, "login")
    return recognition
  }

  private static func refused(
    _ user: ArraySlice<UInt8>?, key told: ArraySlice<UInt8>? = nil
  ) -> Recognition? {
    guard let user else { return nil }
    var recognition = Recognition(
      .denied, kind: .account, subject: named("user:", user), object: named("account:", user),
      right: "login")
    if let key = told.flatMap(fingerprint) {
      recognition.kind = .sshKey
      recognition.subject = "key:" + key
    }
    recognition.trusted = true
    // One connection is refused once, however often it tried.
    recognition.echo = Echo(.process, "refused")
    return recognition
  }

  /// The user of `USER from ADDRESS port N…`.
  private static func peeled(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    readings(text, cutAt: " from ").last.map(\.left)
  }

  /// The user of `USER ADDRESS port N [preauth]`.
  private static func user(before text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard let (head, _) = readings(text, cutAt: " port ").last,
      let blank = head.lastIndex(of: UInt8(ascii: " "))
    else { return nil }
    return head[..<blank]
  }

  /// The key's fingerprint at the end of `… ssh2: ED25519 SHA256:…`; of a certificate the key of
  /// the authority that signed it (`… CA ED25519 SHA256:…`).
  private static func fingerprint(_ told: ArraySlice<UInt8>) -> String? {
    guard let (_, tail) = readings(told, cutAt: " ssh2: ").last,
      let at = places(of: "SHA256:", in: tail).last
    else { return nil }
    let key = tail[at...].prefix { $0 != UInt8(ascii: " ") }
    guard key.count <= 128 else { return nil }
    return escaped(key)
  }
}
