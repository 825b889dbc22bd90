internal import CLinux
internal import Glibc

/// Writes entries of our own into the journal; see sd_journal_sendv(3).
package enum JournalSend {
  /// The `SYSLOG_IDENTIFIER` of every entry we write.
  package static let identifier = "grantwatchd"

  /// Sends one entry; false when journald did not take it. Names are capital letters, digits and
  /// underscores; `priority` is that of syslog(3), `messageID` 32 hexadecimal digits.
  @discardableResult
  package static func send(
    _ message: String, messageID: String? = nil, priority: Int = 6,
    fields: [(String, String)] = [], identifier: String = identifier
  ) -> Bool {
    var texts = [
      "MESSAGE=\(message)", "PRIORITY=\(priority)", "SYSLOG_IDENTIFIER=\(identifier)",
    ]
    if let messageID { texts.append("MESSAGE_ID=\(messageID)") }
    texts += fields.map { "\($0.0)=\($0.1)" }
    var block: [UInt8] = []
    var ranges: [Range<Int>] = []
    for text in texts {
      let start = block.count
      block.append(contentsOf: text.utf8)
      ranges.append(start..<block.count)
    }
    return block.withUnsafeMutableBytes { block in
      let vectors = ranges.map { range in
        iovec(iov_base: block.baseAddress.map { $0 + range.lowerBound }, iov_len: range.count)
      }
      return sd_journal_sendv(vectors, Int32(vectors.count)) >= 0
    }
  }
}
