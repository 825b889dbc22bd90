import Grants
import LinuxKit

extension Engine {
  /// Tells the service manager that the daemon watches, and begins to ping its watchdog.
  func sayReady() {
    ServiceNotify.ready(
      status:
        "Watching \(configuration.watch.joined(separator: " ")), mode \(configuration.mode.rawValue)"
    )
    pingServiceWatchdog()
  }

  /// A ping that comes from the engine's own queue proves that it turns.
  func pingServiceWatchdog() {
    guard let interval = ServiceNotify.watchdogInterval else { return }
    ServiceNotify.alive()
    agenda.add(.serviceWatchdog, at: now.up + interval)
  }
}
