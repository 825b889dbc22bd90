internal import ByteText
internal import CLinux
internal import Glibc

/// A process as polkit knows it: its number alone could be another's by now.
package struct PolkitSubject: Sendable, Equatable {
  package var pid: Int32
  /// /proc/PID/stat, field 22.
  package var start: UInt64
  package var uid: UInt32

  package init(pid: Int32, start: UInt64, uid: UInt32) {
    self.pid = pid
    self.start = start
    self.uid = uid
  }
}

/// What polkit says of a subject and an action.
package enum PolkitAnswer: Sendable, Equatable {
  case authorized
  /// It would have to authenticate: somebody must answer for it.
  case challenge
  case refused
}

/// Asks polkitd over the system bus; see polkit(8).
package enum PolkitAuthority {
  private static let service = "org.freedesktop.PolicyKit1"
  private static let path = "/org/freedesktop/PolicyKit1/Authority"
  private static let interface = "org.freedesktop.PolicyKit1.Authority"
  private static let socket = "/run/dbus/system_bus_socket"
  private static let activation = "/usr/share/dbus-1/system-services/\(service).service"

  /// Why nobody can be asked about `action` here; nil when all that it takes is in place.
  package static func obstacle(to action: String, policy: String) -> String? {
    if access(socket, F_OK) != 0 { return "there is no system bus (\(socket))" }
    if access(activation, F_OK) != 0 { return "polkitd is not installed (\(activation))" }
    if access(policy, F_OK) != 0 { return "the action \(action) is not installed (\(policy))" }
    return nil
  }

  /// Asks whether `subject` may do `action`. With `asking` its authentication agent may ask somebody
  /// for a password, which takes as long as a human does.
  ///
  /// Blocks until the answer is there, for `timeout` microseconds at the most; ETIMEDOUT then. When
  /// this gives up, the connection ends and polkitd gives up too.
  package static func check(
    _ subject: PolkitSubject, may action: String, message: String?, asking: Bool, timeout: UInt64
  ) throws(SystemError) -> PolkitAnswer {
    var opened: OpaquePointer?
    try check(sd_bus_open_system(&opened), "connect", "system bus")
    guard let bus = opened else { throw SystemError(ENOTCONN, "connect", "system bus") }
    defer { sd_bus_flush_close_unref(bus) }
    var made: OpaquePointer?
    try check(
      sd_bus_message_new_method_call(bus, &made, service, path, interface, "CheckAuthorization"),
      "call", "polkit")
    guard let call = made else { throw SystemError(ENOMEM, "call", "polkit") }
    defer { sd_bus_message_unref(call) }
    try check(
      clinux_append_authorization(
        call, UInt32(bitPattern: subject.pid), subject.start, Int32(bitPattern: subject.uid),
        action, message, asking ? 1 : 0), "call", "polkit")
    var error = sd_bus_error()
    var answer: OpaquePointer?
    let result = sd_bus_call(bus, call, timeout, &error, &answer)
    defer { sd_bus_error_free(&error) }
    guard result >= 0, let reply = answer else {
      let words = error.message.map { String(cString: $0) } ?? ""
      throw SystemError(-result, "polkit", escaped(Array(words.utf8).prefix(256)))
    }
    defer { sd_bus_message_unref(reply) }
    var authorized: Int32 = 0
    var challenge: Int32 = 0
    try check(clinux_read_authorization(reply, &authorized, &challenge), "read", "polkit's answer")
    return authorized != 0 ? .authorized : challenge != 0 ? .challenge : .refused
  }

  private static func check(
    _ result: Int32, _ context: String, _ object: String
  ) throws(SystemError) {
    if result < 0 { throw SystemError(-result, context, object) }
  }
}
