import Grants
import LinuxKit

extension Engine {
  /// Tells the service manager that the daemon watches, and begins to ping its watchdog.
  func sayReady() {
    ServiceNotify.send("READY=1\nSTATUS=Watching")
    pingServiceWatchdog()
  }

  /// A ping that comes from the engine's own queue proves that it turns.
  func pingServiceWatchdog() {
    guard let interval = ServiceNotify.watchdogInterval else { return }
    ServiceNotify.send("WATCHDOG=1")
    agenda.add(.serviceWatchdog, at: now.up + interval / 2)
  }
}
