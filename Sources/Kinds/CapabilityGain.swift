internal import ByteText

/// Capabilities that an executable was given.
package struct CapabilityGain: Sendable, Hashable {
  /// What it had before; nil for none.
  package var before: FileCapabilities?
  package var after: FileCapabilities
  /// Who may execute it: everyone, else the file's group, else its owner.
  package var runnableBy: AccessWho

  init?(from before: FileAccess?, to after: FileAccess) {
    guard !after.isDirectory, let capabilities = after.capabilities else { return nil }
    let runnableBy: AccessWho =
      after.mode & 0o001 != 0
      ? .everyone : after.owningGroup & 1 != 0 ? .group(after.gid) : .user(after.uid)
    self.init(before: before?.capabilities, after: capabilities, runnableBy: runnableBy)
    if gained.isEmpty, !gained.effective { return nil }
  }

  package init(before: FileCapabilities?, after: FileCapabilities, runnableBy: AccessWho) {
    self.before = before
    self.after = after
    self.runnableBy = runnableBy
  }

  /// What came to those before.
  package var gained: FileCapabilities { after.minus(comparable(before)) }

  /// As getcap(8) prints what came.
  var right: String {
    var shown = gained
    if shown.isEmpty { return after.text }
    shown.effective = after.effective
    return shown.text
  }

  /// Capabilities that count in another user namespace give nothing here.
  private func comparable(_ other: FileCapabilities?) -> FileCapabilities? {
    other?.rootUID == after.rootUID ? other : nil
  }

  func left(in access: FileAccess) -> CapabilityGain? {
    guard let now = comparable(access.capabilities) else { return nil }
    var rest = self
    let lost = gained.minus(now)
    rest.after.permitted &= ~lost.permitted
    rest.after.inheritable &= ~lost.inheritable
    if gained.effective, !now.effective { rest.after.effective = false }
    return rest.gained.isEmpty && !rest.gained.effective ? nil : rest
  }

  private func kept(_ others: [FileGain]) -> FileCapabilities {
    others.reduce(into: FileCapabilities()) { kept, other in
      guard case .capabilities(let gain) = other, gain.after.rootUID == after.rootUID else {
        return
      }
      kept.permitted |= gain.gained.permitted
      kept.inheritable |= gain.gained.inheritable
      kept.effective = kept.effective || gain.gained.effective || gain.after.effective
    }
  }

  func isGiven(by others: [FileGain]) -> Bool {
    let rest = gained.minus(kept(others))
    return rest.isEmpty && !rest.effective
  }

  func takenBack(from access: FileAccess, keeping others: [FileGain]) -> FileAccess {
    guard var now = comparable(access.capabilities), left(in: access) != nil else { return access }
    let (gained, kept) = (gained, kept(others))
    now.permitted &= ~(gained.permitted & ~kept.permitted)
    now.inheritable &= ~(gained.inheritable & ~kept.inheritable)
    if gained.effective, !kept.effective { now.effective = false }
    var access = access
    if !now.isEmpty {
      access.capabilities = now
    } else {
      access.capabilities = before?.rootUID == after.rootUID ? nil : before
    }
    return access
  }

  /// What gives no more than `allowed`, and what gives the rest on top of it.
  func parted(by allowed: FileCapabilities) -> (within: CapabilityGain?, beyond: CapabilityGain?) {
    var middle = comparable(before) ?? FileCapabilities(rootUID: after.rootUID)
    middle.permitted = after.permitted & (middle.permitted | allowed.permitted)
    middle.inheritable = after.inheritable & (middle.inheritable | allowed.inheritable)
    middle.effective = after.effective && (middle.effective || allowed.effective)
    let within = CapabilityGain(before: before, after: middle, runnableBy: runnableBy)
    let beyond = CapabilityGain(before: middle, after: after, runnableBy: runnableBy)
    // A flag that puts nothing in force is no part.
    let isWithin = !within.gained.isEmpty || within.gained.effective && !middle.isEmpty
    if !isWithin { return (nil, self) }
    return (within, beyond.gained.isEmpty && !beyond.gained.effective ? nil : beyond)
  }

  /// `e 0200…>0200…`: who may execute it, then the attribute before, if any, and after, in
  /// hexadecimal.
  package var detail: String {
    "\(runnableBy.letter) \(before.map { hexadecimal($0.bytes) } ?? "")>\(hexadecimal(after.bytes))"
  }

  init?(detail: String) {
    var rest = detail[...]
    guard let who = AccessWho(&rest), rest.popFirst() == " ",
      let arrow = rest.firstIndex(of: ">"),
      let after = Self.capabilities(rest[rest.index(after: arrow)...])
    else { return nil }
    let former = rest[..<arrow]
    let before = Self.capabilities(former)
    guard former.isEmpty || before != nil else { return nil }
    self.init(before: before, after: after, runnableBy: who)
  }

  private static func capabilities(_ text: Substring) -> FileCapabilities? {
    let digits = Array(text.utf8)
    guard digits.count % 2 == 0, digits.count <= 48 else { return nil }
    var bytes: [UInt8] = []
    for at in stride(from: 0, to: digits.count, by: 2) {
      guard let high = hexadecimalValue(digits[at]), let low = hexadecimalValue(digits[at + 1])
      else { return nil }
      bytes.append(high << 4 | low)
    }
    return FileCapabilities(bytes)
  }
}

extension FileCapabilities {
  /// What this has and `other` has not.
  fileprivate func minus(_ other: FileCapabilities?) -> FileCapabilities {
    var rest = self
    rest.permitted &= ~(other?.permitted ?? 0)
    rest.inheritable &= ~(other?.inheritable ?? 0)
    rest.effective = effective && other?.effective != true
    return rest
  }
}
