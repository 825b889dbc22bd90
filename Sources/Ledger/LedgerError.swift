package import LinuxKit

/// What keeps the ledger from its work.
package enum LedgerError: Error, Equatable, CustomStringConvertible {
  case system(SystemError)
  /// A record of this type was refused, for it makes a line of more than 1 MiB.
  case tooLong(type: String, bytes: Int)

  package var description: String {
    switch self {
    case .system(let error): "ledger: \(error)"
    case .tooLong(let type, let bytes): "ledger: \(type): record too long: \(bytes) bytes"
    }
  }

  /// True when the disk, or what the daemon may use of it, is full.
  package var isDiskFull: Bool {
    if case .system(let error) = self { error.isDiskFull } else { false }
  }
}

/// Runs calls of the system, and hands their errors on as the ledger's.
func asLedgerError<Result>(
  _ body: () throws(SystemError) -> Result
) throws(LedgerError) -> Result {
  do throws(SystemError) { return try body() } catch { throw .system(error) }
}
