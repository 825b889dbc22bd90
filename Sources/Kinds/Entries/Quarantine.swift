package import LinuxKit

/// Where what a revocation takes out is kept: a folder by the grant's id below the state directory.
///
/// Each file is written whole and durable before the thing itself is touched. Nothing is read from
/// here to decide anything: `grantctl restore` goes by the ledger; the files are for people, and for
/// the day on which the ledger is lost.
package struct Quarantine: Sendable {
  /// `/var/lib/grantwatch/quarantine`.
  package let directory: String
  package let grant: String

  package init(directory: String, grant: String) {
    self.directory = directory
    self.grant = grant
  }

  /// Keeps `bytes` as `name` (letters, digits, `.`, `-`, `_`); one that is there already is kept,
  /// and a number put behind the new one's name. Mode 0600.
  package func keep(_ bytes: [UInt8], as name: String) throws(SystemError) {
    let folder = directory + "/" + grant
    try DurableDirectory(directory).create()
    try DurableDirectory(folder).create()
    let known = Set(SmallFile.names(in: folder))
    var free = name
    var number = 1
    while known.contains(free) {
      number += 1
      free = "\(name).\(number)"
    }
    try SmallFile.replace(folder + "/" + free, with: bytes)
  }
}
