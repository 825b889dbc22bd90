import ByteText
import Kinds
import LinuxKit

/// Targets for what the kinds read: files that somebody may have filled with anything.
let kindTargets: [String: @Sendable ([UInt8]) -> Void] = [
  "sudoers-text": sudoersTarget, "cvtsudoers-json": cvtsudoersTarget, "authorized-keys": keysTarget,
  "polkit-file": polkitTarget, "account-lines": accountsTarget,
]

private func isPlain(_ text: String) -> Bool {
  text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
}

/// Lines cover the text, none of them hides an include, and any that goes leaves the others as they
/// are.
@Sendable private func sudoersTarget(_ bytes: [UInt8]) {
  let text = SudoersText(bytes)
  precondition(text.lines.flatMap { Array(text[$0]) } == bytes)
  precondition(SudoersText(text.withoutIncludes).lines.allSatisfy { $0.include == nil })
  for (index, line) in text.lines.enumerated().prefix(64) {
    if line.isDefaults, let rest = SudoLoosening.rest(of: text[line]) {
      precondition(SudoersText(rest).lines.count == 1)
      precondition(SudoLoosening.rest(of: rest[...]) == nil)
    }
    guard line.include == nil else { continue }
    let left = SudoersText(Array(bytes[..<line.range.lowerBound] + bytes[line.range.upperBound...]))
    var others = text.lines
    others.remove(at: index)
    precondition(left.lines.map { Array(left[$0]) } == others.map { Array(text[$0]) })
  }
}

/// What the tool might say, and its complaints.
@Sendable private func cvtsudoersTarget(_ bytes: [UInt8]) {
  _ = CvtsudoersJSON.lines(bytes)
  guard let document = try? CvtsudoersJSON.document(bytes) else { return }
  let reader = SudoRuleReader(
    aliases: SudoersAliases([document]), names: AccountNames(root: Array("/nonexistent".utf8)))
  for spec in document["User_Specs"].elements {
    for rule in reader.rules(spec) ?? [] {
      precondition([rule.subject, rule.value, rule.right, rule.line].allSatisfy(isPlain))
    }
  }
}

/// Lines cover the file; a key's value tells its options; an end that is put on a line and taken away
/// leaves the line.
@Sendable private func keysTarget(_ bytes: [UInt8]) {
  let lines = KeyLine.lines(bytes)
  precondition(lines.flatMap { Array(bytes[$0.range]) } == bytes)
  let end = Timestamp(microseconds: 2_000_000_000_000_000)
  for line in lines {
    guard let key = line.key else { continue }
    precondition(isPlain(key.value) && key.value.utf8.count <= 4096)
    precondition(key.options.gives(atLeast: key.options))
    if key.options.text.utf8.count < 3000 {
      precondition(AuthorizedKey.options(of: key.value)?.text == key.options.text)
    }
    let dated = KeyExpiry.line(bytes[line.range], key, until: end)
    guard let again = KeyLine.lines(dated).first?.key else {
      preconditionFailure("the key is lost")
    }
    precondition(again.subject == key.subject && again.value == key.value)
    precondition((again.options.expiry ?? .max) <= end.microseconds)
    let undone = KeyExpiry.line(dated[...], again, until: nil)
    precondition(undone == KeyExpiry.line(bytes[line.range], key, until: nil))
  }
}

/// Two files, a zero byte between them.
@Sendable private func polkitTarget(_ bytes: [UInt8]) {
  let parts = bytes.split(separator: 0, maxSplits: 1).map { Array($0) }
  precondition(PolkitActions.open(bytes).allSatisfy(isPlain))
  let text = String(decoding: bytes, as: UTF8.self)
  if let kept = PolkitFile.Kept(text) {
    precondition(PolkitFile.Kept(kept.text)?.text == kept.text)
  }
  _ = PolkitFile.path(text)
  for suffix in ["rules", "policy", "pkla"] {
    let entries = parts.map { part in
      AccessEntry(
        subject: "everyone", object: "polkit:/etc/x.\(suffix)", right: "rules", value: "",
        detail: "0644 0 0 \(base64(part))")
    }
    guard let first = entries.first, let last = entries.last else { return }
    _ = PolkitFile.gives(first, atLeast: last)
    // A description of actions gives as much as itself, whatever it says.
    precondition(suffix != "policy" || PolkitFile.gives(last, atLeast: last))
  }
}

/// The four account files, and what an entry's detail says of an account.
@Sendable private func accountsTarget(_ bytes: [UInt8]) {
  _ = AccountLines.groups(bytes)
  _ = AccountLines.groupShadows(bytes)
  _ = AccountLines.passwords(bytes)
  for line in AccountLines.users(bytes) {
    let field = PasswordField(line.password)
    _ = refusesLogin(shell: line.shell)
    let facts = AccountFacts(uid: line.uid, password: field, expiry: nil, shell: line.shell)
    precondition(isPlain(facts.text))
    precondition(AccountFacts(facts.text.split(separator: " ")[...]) == facts)
  }
  for line in AccountLines.shadows(bytes) { _ = PasswordField(line.password) }
  _ = AccountFacts(String(decoding: bytes, as: UTF8.self).split(separator: " ")[...])
}
