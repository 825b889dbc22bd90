internal import ByteText

/// `pam_unix(SERVICE:session): session opened for user root(uid=0) by admin(uid=1000)`: pam_unix(8).
struct PAMSession {
  var service: ArraySlice<UInt8>
  var user: ArraySlice<UInt8>
  /// Empty where the caller has no terminal.
  var caller: ArraySlice<UInt8>

  static func opened(_ line: ArraySlice<UInt8>) -> PAMSession? {
    guard let text = rest(of: line, after: "pam_unix("),
      let (service, told) = readings(text, cutAt: ":session): session opened for user ").first,
      // A name may hold the words; the last reading is the line's own.
      let (user, by) = readings(told, cutAt: " by ").last
    else { return nil }
    return PAMSession(service: service, user: withoutUID(user), caller: withoutUID(by))
  }

  /// True for any line of a PAM module: `pam_limits(sudo:session): …`.
  static func isModuleLine(_ line: ArraySlice<UInt8>) -> Bool {
    rest(of: line, after: "pam_") != nil
  }

  private static func withoutUID(_ name: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard let at = places(of: "(uid=", in: name).last, name.last == UInt8(ascii: ")") else {
      return name
    }
    return name[..<at]
  }
}
