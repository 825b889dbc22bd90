package import Grants

/// What the engine is started with.
package struct EngineSettings: Sendable {
  package var version: String
  /// The configuration's main file; drop-ins, agents and webhooks lie beside it.
  package var configurationFile: String
  /// `--root` without a slash at its end; empty for the host itself.
  package var root: [UInt8]
  package var stateDirectory: String
  package var runtimeDirectory: String
  package var host: String
  /// It only carries out what is overdue, and answers nobody.
  package var isBackstop = false
  /// Who proves that an approver is there, where `Authenticate=` wants it.
  package var presence: any PresenceAuthority = PolkitPresence()
  /// Where it says what is wrong: one line each.
  package var log: @Sendable (String) -> Void
  /// The clocks.
  package var now: @Sendable () -> Moment

  package init(
    version: String, configurationFile: String, root: [UInt8], stateDirectory: String,
    runtimeDirectory: String, host: String, log: @escaping @Sendable (String) -> Void,
    now: @escaping @Sendable () -> Moment
  ) {
    self.version = version
    self.configurationFile = configurationFile
    self.root = root
    self.stateDirectory = stateDirectory
    self.runtimeDirectory = runtimeDirectory
    self.host = host
    self.log = log
    self.now = now
  }
}

/// Why the engine could not start, said as `context: object: reason`.
package struct EngineError: Error, CustomStringConvertible {
  package var description: String
  /// Another daemon has the state directory.
  package var isInUse = false

  package init(_ description: String) { self.description = description }
}
