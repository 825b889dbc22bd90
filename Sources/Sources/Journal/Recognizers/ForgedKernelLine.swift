internal import ByteText

/// Lines that call themselves the kernel's or audit's and came by another way: theirs come by
/// transports that nobody else can use (systemd.journal-fields(7)).
package enum ForgedKernelLine: Recognizer {
  package static let identifiers = ["kernel", "audit"]

  package static func recognize(_ fields: JournalFields) -> Recognition? {
    guard let transport = fields.transport, let uid = fields.uid, uid != 0,
      !transport.elementsEqual("kernel".utf8), !transport.elementsEqual("audit".utf8)
    else { return nil }
    return Recognition(.spoof)
  }
}
