import ByteText

/// The `MESSAGE_ID` of each event in the journal; systemd/grantwatch.catalog explains them.
package enum JournalCatalog {
  /// A fixed id for each type of event: the first half of the SHA-256 of its full name.
  package static func messageID(of type: String) -> String {
    String(hexadecimal(SHA256.digest(Array("io.grantwatch.\(type)".utf8)).prefix(16)))
  }
}
