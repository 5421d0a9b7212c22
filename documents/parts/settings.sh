# shellcheck shell=bash
# What etcd is configured with, for inspect-host and for the writing of the membership: read as systemd and etcd read it, and never run.
# shellcheck disable=SC2317
need systemctl
newline=$'\n'

# The settings that are read, by etcd's own names. Each is left in a variable: cert-file in `set_cert_file`.
settings='name data-dir wal-dir listen-client-urls listen-peer-urls listen-metrics-urls cert-file key-file trusted-ca-file peer-cert-file peer-key-file peer-trusted-ca-file initial-advertise-peer-urls initial-cluster initial-cluster-state initial-cluster-token'

# set_setting NAME TEXT: one of those above, and no other, whatever a file calls its settings: the name becomes a part of a variable's.
set_setting() {
  case $1 in *[!a-z-]*) return 0 ;; esac
  case " $settings " in *" $1 "*) printf -v "set_${1//-/_}" '%s' "$2" ;; esac
}

# Finds entries in the lines `L[1..lines]` of an environment file as systemd reads it, and of YAML with its settings at the left
# edge. Each finder says whether an entry begins at line i, and leaves its `key`, `value` and the line `last` that it ends at.
# shellcheck disable=SC2016
entry_finders='
function load(file,   line) {
  lines = 0
  while ((getline line < file) > 0) L[++lines] = line
  close(file)
}
function line_at(i,   line) { line = L[i]; sub(/\r$/, "", line); return line }
# A quote ends a value only to begin its next piece: systemd knows no comment behind a value.
function env_entry(i,   line, at, rest, p, c, state, kept) {
  line = line_at(i)
  sub(/^[ \t]+/, "", line)
  at = index(line, "=")
  if (line ~ /^[#;]/ || at == 0) return 0
  key = substr(line, 1, at - 1)
  sub(/[ \t]+$/, "", key)
  rest = substr(line, at + 1); value = ""; state = "outside"; kept = 0; last = i
  for (;;) {
    for (p = 1; p <= length(rest); p++) {
      c = substr(rest, p, 1)
      if (state == "outside" && c == "\047") state = "single"
      else if (state == "outside" && c == "\"") state = "double"
      else if (state == "outside" && c ~ /[ \t]/) continue
      else if ((state == "outside" || state == "plain") && c == "\\") state = "escaped"
      else if (state == "single" && c == "\047" || state == "double" && c == "\"") { state = "outside"; kept = length(value) }
      else if (state == "double" && c == "\\") state = "escaped-double"
      else {
        if (state == "escaped-double" && !index("\"\\`$", c)) value = value "\\"
        value = value c
        if (state == "escaped-double") state = "double"
        else if (state == "outside" || state == "escaped") state = "plain"
        if (state == "plain" && c !~ /[ \t]/) kept = length(value)
      }
    }
    if (state == "outside" || state == "plain" || last == lines) break
    if (state == "escaped") state = "plain"
    else if (state == "escaped-double") state = "double"
    else value = value "\n"
    rest = line_at(++last)
  }
  if (state == "outside" || state == "plain") value = substr(value, 1, kept)
  return 1
}
# Also leaves the `comment` behind the value, with the space before it.
function yaml_entry(i,   line, quote, done) {
  line = line_at(i)
  if (!match(line, /^("[^"]*"|\047[^\047]*\047|[A-Za-z0-9_.-]+)[ \t]*:([ \t]|$)/)) return 0
  key = substr(line, 1, RLENGTH)
  sub(/[ \t]*:[ \t]?$/, "", key)
  gsub(/^["\047]|["\047]$/, "", key)
  line = substr(line, RLENGTH + 1)
  sub(/^[ \t]+/, "", line)
  value = ""; comment = ""; last = i
  quote = substr(line, 1, 1)
  if (quote == "\"" || quote == "\047") {
    line = substr(line, 2)
    while (!(done = quoted(line, quote)) && last < lines && line_at(last + 1) ~ /^([ \t]|$)/) {
      line = line_at(++last)
      sub(/^[ \t]+/, " ", line)
    }
    return 1
  }
  if (quote == "|" || quote == ">") {
    plain(substr(line, 2)); value = ""
    for (done = i + 1; done <= lines && line_at(done) ~ /^([ \t]|$)/; done++) {
      line = line_at(done)
      if (line !~ /^[ \t]*$/) { gsub(/^[ \t]+|[ \t]+$/, "", line); value = value (value == "" ? "" : " ") line; last = done }
    }
    return 1
  }
  plain(line)
  for (done = i + 1; done <= lines && line_at(done) ~ /^([ \t]|$)/; done++) {
    line = line_at(done)
    if (line ~ /^[ \t]*#/) break
    if (line !~ /^[ \t]*$/) { plain(line); last = done }
  }
  if (value ~ /^(~|null|Null|NULL)$/) value = ""
  return 1
}
function plain(line) {
  if (match(line, /(^|[ \t]+)#.*$/)) { comment = comment substr(line, RSTART); line = substr(line, 1, RSTART - 1) }
  gsub(/^[ \t]+|[ \t]+$/, "", line)
  value = value (value == "" || line == "" ? "" : " ") line
}
# Takes a quoted value up to its end, and says whether that was in this line.
function quoted(line, quote,   p, c) {
  for (p = 1; p <= length(line); p++) {
    c = substr(line, p, 1)
    if (quote == "\"" && c == "\\") value = value substr(line, ++p, 1)
    else if (c == quote && quote == "\047" && substr(line, p + 1, 1) == quote) { value = value quote; p++ }
    else if (c == quote) {
      line = substr(line, p + 1)
      if (match(line, /[ \t]+#.*$/)) comment = substr(line, RSTART)
      return 1
    } else value = value c
  }
  return 0
}
# Why settings of this YAML can neither be found nor added line by line; empty where they can.
function yaml_problem(   i, line, begun) {
  for (i = 1; i <= lines; i++) {
    line = line_at(i)
    if (line ~ /^[ \t]*(#|$)/ || line ~ /^%/) continue
    if (!begun && line ~ /^---[ \t]*(#|$)/) { begun = 1; continue }
    if (line ~ /^(---|\.\.\.)/) return "it holds more than one document"
    if (!settings && line !~ /^["\047A-Za-z0-9_.-]/) return "its settings do not stand at the left edge, one a line"
    begun = settings = 1
  }
  return ""
}'

# Reads ExecStart= and the environment, as systemctl shows them: what names a config file, and where there is none, what the settings
# are. Prints `kind <tab> text` lines.
# shellcheck disable=SC2016
unit_reader='
# Words as systemd and a shell write them; returns how many.
function split_words(text, words,   p, c, quote, word, begun, count) {
  for (p = 1; p <= length(text); p++) {
    c = substr(text, p, 1)
    if (c == "\\" && quote != "\047") { word = word substr(text, ++p, 1); begun = 1 }
    else if (quote != "" && c == quote) quote = ""
    else if (quote == "" && (c == "\"" || c == "\047")) { quote = c; begun = 1 }
    else if (quote == "" && c ~ /[ \t\n]/) { if (begun) words[++count] = word; word = ""; begun = 0 }
    else { word = word c; begun = 1 }
  }
  if (begun) words[++count] = word
  return count + 0
}
function assign(name, text, where, rank) {
  if (name !~ /^[A-Za-z_][A-Za-z0-9_]*$/) return
  env[name] = text; from[name] = where; rank_of[name] = rank
}
# Only $NAME and ${NAME}; nothing that was read is ever run.
function expand(text,   out, name) {
  gsub(/\$\$/, "$", text)
  while (match(text, /\$([A-Za-z_][A-Za-z0-9_]*|\{[A-Za-z_][A-Za-z0-9_]*\})/)) {
    name = substr(text, RSTART + 1, RLENGTH - 1)
    gsub(/[{}]/, "", name)
    out = out substr(text, 1, RSTART - 1) env[name]
    text = substr(text, RSTART + RLENGTH)
  }
  return out text
}
function variable(setting) { setting = toupper(setting); gsub(/-/, "_", setting); return "ETCD_" setting }
function is_known(setting) { return index(" " known " ", " " setting " ") > 0 }
function read_command(   count, i, j, n, raw, parts, dashed, at, name) {
  count = split_words(command, raw)
  for (i = 1; i <= count; i++) {
    # A variable that is a word by itself may hold several: $NAME for systemd, and ${NAME} in the command of a shell.
    if (raw[i] ~ /^\$[{]?[A-Za-z_][A-Za-z0-9_]*[}]?$/) {
      n = split_words(expand(raw[i]), parts)
      if (raw[i] ~ /[{]/ && expand(raw[i]) !~ /^-.*[ \t]/) { n = 1; parts[1] = expand(raw[i]) }
      for (j = 1; j <= n; j++) { word[++words] = parts[j]; plain_word[words] = (n == 1 ? raw[i] : parts[j]) }
    } else { word[++words] = expand(raw[i]); plain_word[words] = raw[i] }
  }
  for (i = 1; i <= words; i++) {
    if (word[i] ~ /^ETCD_[A-Z0-9_]+=/) {
      at = index(word[i], "=")
      assign(substr(word[i], 1, at - 1), substr(word[i], at + 1), "the unit " unit, 1000)
    }
    if (word[i] !~ /^--?[a-z]/) continue
    dashed = word[i]
    sub(/^--?/, "", dashed)
    at = index(dashed, "=")
    name = at ? substr(dashed, 1, at - 1) : dashed
    if (!is_known(name)) continue
    if (at) { flag[name] = substr(dashed, at + 1); at = index(plain_word[i], "="); written[name] = substr(plain_word[i], at + 1) }
    else if (name == "force-new-cluster") flag[name] = written[name] = "true"
    else if (i < words) { flag[name] = word[++i]; written[name] = plain_word[i] }
  }
}
function put(kind, text) { gsub(/[\t\r\n]/, " ", text); print kind "\t" text }
function is_true(text) { return tolower(text) ~ /^(1|t|true)$/ }
# A flag that only repeats its own variable changes nothing.
function overrides(setting) {
  return (setting in flag) && written[setting] != "$" variable(setting) && written[setting] != "${" variable(setting) "}"
}
BEGIN {
  unit = ENVIRON["unit"]
  known = "config-file " ENVIRON["settings"] " discovery discovery-srv discovery-endpoints force-new-cluster"
  count = split_words(ENVIRON["service_environment"], words_of_unit)
  for (i = 1; i <= count; i++) {
    at = index(words_of_unit[i], "=")
    assign(substr(words_of_unit[i], 1, at - 1), substr(words_of_unit[i], at + 1), "the unit " unit, 0)
  }
  files = split(ENVIRON["environment_files"], file_of, "\n")
  for (f = 1; f <= files; f++) {
    load(file_of[f])
    for (i = 1; i <= lines; i++) if (env_entry(i)) { assign(key, value, file_of[f], f); i = last }
    if (file_of[f] == ENVIRON["environment_file"]) edited = f
  }
  command = ENVIRON["service_command"]
  read_command()
  config_file = ("config-file" in flag) ? flag["config-file"] : ""
  if (config_file == "" && env["ETCD_CONFIG_FILE"] != "") config_file = env["ETCD_CONFIG_FILE"]
  if (config_file != "") {
    put("config-file", config_file)
    if (env["ETCD_CONFIG_FILE"] == config_file) put("named-by", from["ETCD_CONFIG_FILE"])
    exit
  }
  for (v in env) if (v ~ /^ETCD_EXPERIMENTAL_/) put("experimental", v)
  count = split(known, setting, " ")
  for (i = 2; i <= count; i++) {
    s = setting[i]; v = variable(s)
    put(s, (s in flag) ? flag[s] : env[v])
    if (s ~ /^initial-cluster/) {
      if (overrides(s)) put("overriding", "--" s "=" flag[s] " in the unit " unit)
      else if (rank_of[v] == 1000) put("overriding", v "=" env[v] " in the command of the unit " unit)
      else if (edited && rank_of[v] > edited) put("overriding", v "=" env[v] " in " from[v] ", which is read after " ENVIRON["environment_file"])
    } else if (s ~ /^discovery/ || s == "force-new-cluster") {
      text = (s in flag) ? flag[s] : env[v]
      if (s == "force-new-cluster" ? is_true(text) : text != "")
        put("overriding", (s in flag) ? "--" s "=" text " in the unit " unit : v "=" text " in " from[v])
    }
  }
}'

# shellcheck disable=SC2016
yaml_reader='
function put(kind, text) { gsub(/[\t\r\n]/, " ", text); print kind "\t" text }
BEGIN {
  file = ENVIRON["file"]
  load(file)
  problem = yaml_problem()
  if (problem != "") { put("overriding", file ", which can only be edited by hand: " problem); exit }
  for (i = 1; i <= lines; i++) {
    if (!yaml_entry(i)) continue
    if (key ~ /^experimental-/) put("experimental", key)
    else if (key !~ /^(discovery|discovery-srv|force-new-cluster)$/) put(key, value)
    else if (key != "force-new-cluster" ? value != "" : tolower(value) ~ /^(true|yes|on|y)$/) put("overriding", key ": " value " in " file)
    i = last
  }
}'

# set_nested PREFIX TEXT: the settings of a group in YAML, whose lines stand in TEXT one behind the other; each empty where it is not made.
set_nested() {
  local setting
  for setting in cert-file key-file trusted-ca-file; do
    if [[ " $2" =~ [[:space:]{,]$setting:[[:space:]]*[\"\']?([^\"\',}[:space:]]+) ]]; then
      set_setting "$1$setting" "${BASH_REMATCH[1]}"
    else
      set_setting "$1$setting" ''
    fi
  done
}

# shellcheck disable=SC2034
take_settings() {
  local kind text
  while IFS=$'\t' read -r kind text; do
    case $kind in
      config-file) format=yaml file=$text ;;
      named-by) named_by=$text ;;
      overriding) overriding+=${overriding:+$newline}$text ;;
      experimental) experimental+=${experimental:+$newline}$text ;;
      client-transport-security) set_nested '' "$text" ;;
      peer-transport-security) set_nested peer- "$text" ;;
      *) set_setting "$kind" "$text" ;;
    esac
  done <<< "$1"
}

# Reads the configuration that is in force: its `format`, the `file` to edit, what `named_by` environment file names that, the
# `environment_files`, a line each, the settings, what is `overriding` them, and the names of those that are `experimental`.
# read_settings CONFIG_FILE: that chooses among several environment files.
# shellcheck disable=SC2034
read_settings() {
  local output line pattern entry count=0 environment_file='' wanted setting
  format=environment file='' named_by='' overriding='' experimental='' environment_files=''
  for setting in $settings; do set_setting "$setting" ''; done
  local service_command='' service_environment=''
  output=$(systemctl show -p ExecStart -p Environment -p EnvironmentFiles "$unit") ||
    fail 1 "systemctl cannot show the unit $unit; see whether systemd answers on this host."
  real_path "$1"
  wanted=$reply
  while IFS= read -r line; do
    case $line in
      ExecStart=*'argv[]='*)
        line=${line#*argv\[\]=}
        service_command=${line%% ; ignore_errors=*}
        ;;
      Environment=*) service_environment=${line#*=} ;;
      EnvironmentFile=* | EnvironmentFiles=*)
        pattern=${line#*=} pattern=${pattern% (ignore_errors=*}
        if [ -z "$pattern" ]; then continue; fi
        # systemd expands patterns as a shell does.
        local IFS=''
        for entry in $pattern; do
          count=$((count + 1))
          environment_files+=${environment_files:+$newline}$entry
          real_path "$entry"
          if [ "$reply" = "$wanted" ]; then environment_file=$entry; fi
        done
        ;;
    esac
  done <<< "$output"
  if [ -z "$environment_file" ] && [ "$count" = 1 ]; then environment_file=$environment_files; fi
  file=$environment_file
  output=$(settings=$settings unit=$unit service_command=$service_command service_environment=$service_environment \
    environment_files=$environment_files environment_file=$environment_file awk "$entry_finders$unit_reader" < /dev/null) ||
    fail 1 "awk cannot read the settings of the unit $unit. What is printed on standard error may say why."
  take_settings "$output"
  if [ "$format" = yaml ] && [ -f "$file" ] && [ -r "$file" ]; then
    output=$(file=$file awk "$entry_finders$yaml_reader" < /dev/null) || fail 1 "awk cannot read the settings in $file. What is printed on standard error may say why."
    take_settings "$output"
  fi
}
