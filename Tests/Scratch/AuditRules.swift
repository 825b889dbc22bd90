/// The kernel's audit system, switched on for a test, and put back as it was.
package enum AuditRules {
  private static func shell(_ line: String) -> Bool {
    Scratch.run("/bin/sh", ["-c", "PATH=$PATH:/usr/sbin; \(line)"]) == 0
  }

  /// Runs `body` with the rules of a file, whose key is `grantwatch`; where they are loaded already
  /// they stay. False when they could not be loaded, or not be taken away again.
  package static func with(_ file: String, _ body: () throws -> Void) rethrows -> Bool {
    let wasOn = shell("auditctl -s | grep -qx 'enabled 1'")
    let hadRules = shell("auditctl -l | grep -q 'key=grantwatch'")
    func putBack() -> Bool {
      let isOff = wasOn || shell("auditctl -e 0")
      return (hadRules || shell("auditctl -D -k grantwatch")) && isOff
    }
    guard hadRules || shell("auditctl -R '\(file)'"), wasOn || shell("auditctl -e 1") else {
      _ = putBack()
      return false
    }
    do {
      try body()
    } catch {
      _ = putBack()
      throw error
    }
    return putBack()
  }
}
