import ByteText
import LinuxKit

/// Why there is no secret to sign with: one line.
package struct SecretProblem: Error, Equatable, CustomStringConvertible {
  package var description: String

  package init(_ description: String) { self.description = description }
}

/// The lines of a secret file.
package struct WebhookSecret: Equatable, Sendable {
  /// Without blanks at their ends, comments and empty ones; at least one.
  package var lines: [String]

  package init(_ bytes: [UInt8], name: String) throws(SecretProblem) {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw SecretProblem("secret \(name): not text")
    }
    lines = text.utf8.split(separator: 0x0a).compactMap { piece -> String? in
      let bytes = piece.drop(while: isBlank)
      let end = bytes.lastIndex { !isBlank($0) }
      guard let end, bytes.first != UInt8(ascii: "#") else { return nil }
      return String(bytes[...end])
    }
    guard !lines.isEmpty else { throw SecretProblem("secret \(name): empty") }
  }

  /// Reads the file `SecretFile=` names: a path, or the bare name of a credential in
  /// `credentials` (`$CREDENTIALS_DIRECTORY`; see systemd.exec(5)). Refused is a file that anybody
  /// but its owner may read, and one of another owner than root and `user`. systemd guards its
  /// credentials with an ACL, which shows as the group's bits; of these only the bits for everyone
  /// are looked at.
  package init(file: String, credentials: String?, user: UInt32) throws(SecretProblem) {
    var path = file
    if !file.hasPrefix("/") {
      guard let credentials, !credentials.isEmpty else {
        throw SecretProblem(
          "secret \(file): no credential of this name was handed over ($CREDENTIALS_DIRECTORY is "
            + "not set)")
      }
      path = credentials + "/" + file
    }
    let isCredential = credentials.map { !$0.isEmpty && path.hasPrefix($0 + "/") } ?? false
    let found: OwnedFile
    do throws(SystemError) {
      found = try OwnedFile(path, limit: 16 << 10)
    } catch {
      throw SecretProblem("secret \(file): \(error)")
    }
    guard found.mode & (isCredential ? 0o007 : 0o077) == 0 else {
      throw SecretProblem(
        "secret \(file): others than its owner have access to it (mode "
          + "0\(String(found.mode, radix: 8))); use chmod 0600")
    }
    guard found.owner == 0 || found.owner == user else {
      throw SecretProblem("secret \(file): belongs to uid \(found.owner), not to root")
    }
    try self.init(found.bytes, name: file)
  }

  /// The signing keys: what `whsec_` and Base64 write in each line, 24 to 64 bytes (Standard
  /// Webhooks 1.0.0).
  package func keys(name: String) throws(SecretProblem) -> [[UInt8]] {
    var keys: [[UInt8]] = []
    for (index, line) in lines.enumerated() {
      guard line.hasPrefix("whsec_"), let key = decodeBase64(String(line.dropFirst(6))),
        (24...64).contains(key.count)
      else {
        throw SecretProblem(
          "secret \(name): line \(index + 1) is not 'whsec_' and Base64 of 24 to 64 bytes")
      }
      keys.append(key)
    }
    return keys
  }
}

/// The header `webhook-signature` of Standard Webhooks 1.0.0: for each key `v1,` and the HMAC-SHA256
/// of `id.timestamp.body`, blanks between. `timestamp` counts seconds since 1970.
package func webhookSignature(
  keys: [[UInt8]], id: String, timestamp: Int64, body: [UInt8]
) -> String {
  let signed = Array("\(id).\(timestamp).".utf8) + body
  return keys.map { "v1," + base64(hmacSHA256(key: $0, signed)) }.joined(separator: " ")
}
