package import ByteText
package import Grants
package import LinuxKit
package enum SignalType: String, Sendable { case grant, revoke, set, use, denied, spoof }
package struct JournalSignal: Sendable { package var cursor: String; package var time: Timestamp; package var pid: Int32; package var uid: UInt32; package var tool: String; package var type: SignalType; package var kind: GrantKind?; package var subject: String?; package var object: String?; package var message: String; package var trusted: Bool }
package struct JournalProgress { package var cursor: String?; package var more: Bool; package var gap: (from: Timestamp?, to: Timestamp?, reason: String)? }
package final class JournalSource {
  package init(directory: String?, after cursor: String?, since: Timestamp, root: [UInt8]) throws(SystemError) { throw SystemError(2, "x") }
  package var descriptor: Int32 { -1 }
  package func process(limit: Int, _ body: (JournalSignal) -> Void) throws(SystemError) -> JournalProgress { throw SystemError(2, "x") }
  package var lagMilliseconds: Int? { nil }
  package var lost: Int { 0 }
}
