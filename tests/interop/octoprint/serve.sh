#!/usr/bin/env bash
# serve.sh VENV PORT BASEDIR KEY
#
# Serves one real OctoPrint with its bundled virtual printer on 127.0.0.1:PORT, in the foreground and in the
# caller's process group: this process becomes OctoPrint (exec), so a signal sent to it reaches OctoPrint.
# BASEDIR is written once; a restart on the same BASEDIR keeps changed settings, users and files.
#
# Users, by API key: KEY is an administrator, KEY-status has STATUS only (what the bridge needs),
# KEY-control may also list, select and print files (what it needs to start jobs), KEY-noperm may do nothing.
#
# By hand:  python3 -m venv VENV && VENV/bin/pip install OctoPrint==1.11.8   (needs gcc and the Python headers)
#           ./serve.sh VENV 5000 /some/folder secret
set -euo pipefail
venv=${1:?the venv that holds OctoPrint}
port=${2:?port}
base=${3:?base folder}
key=${4:?API key of the administrator}

mkdir -p "$base/printerProfiles"

# firstRun:false and one user in users.yaml skip the wizard. Everything that calls home or slows the start is off.
# disconnected at the start: the test says when the printer is connected.
if [ ! -f "$base/config.yaml" ]; then
cat > "$base/config.yaml" <<YAML
server:
  host: 127.0.0.1
  port: $port
  firstRun: false
  seenWizards: {corewizard: 4, tracking: null, backup: null, classicwebcam: 1}
  onlineCheck: {enabled: false}
  pluginBlacklist: {enabled: false}
  pythonEolCheck: {enabled: false}
  preemptiveCache: {exceptions: ["/"]}
accessControl:
  autologinLocal: false
plugins:
  _disabled: [announcements, softwareupdate, tracking, errortracking, discovery, backup, health_check, achievements,
              pluginmanager, gcodeviewer, corewizard, file_check, firmware_check, pi_support, action_command_prompt,
              logging, customcontrolmanager, uploadmanager, eventmanager]
  virtual_printer:
    enabled: true
    numExtruders: 1
    throttle: 0.01
    ambientTemperature: 21.3
    sendWait: true
    simulated_errors: []   # the default list asks for lines again at 100, 105, 110, 115
serial:
  port: VIRTUAL
  baudrate: 115200
  autoconnect: false
  autorefresh: false
  disconnectOnErrors: true
printerProfiles: {default: _default}
temperature: {sendAutomatically: false}
webcam: {webcamEnabled: false, timelapseEnabled: false}
appearance: {name: "Virtual"}
devel: {pluginTimings: false}
YAML
fi

# API keys stand here in clear text; the impossible password hash suits users that only have a key.
if [ ! -f "$base/users.yaml" ]; then
(umask 077; cat > "$base/users.yaml" <<YAML
_version: 2
admin:   {active: true, apikey: "$key",        groups: [admins, users], permissions: [],       password: "!", settings: {}}
monitor: {active: true, apikey: "$key-status", groups: [],              permissions: [STATUS], password: "!", settings: {}}
mes:     {active: true, apikey: "$key-control", groups: [],             permissions: [STATUS, FILES_LIST, FILES_SELECT, PRINT], password: "!", settings: {}}
noperm:  {active: true, apikey: "$key-noperm", groups: [],              permissions: [],       password: "!", settings: {}}
YAML
)
fi

if [ ! -f "$base/printerProfiles/_default.profile" ]; then
cat > "$base/printerProfiles/_default.profile" <<YAML
id: _default
name: Virtual
model: Virtual Marlin
color: default
heatedBed: true
heatedChamber: false
volume: {width: 200.0, depth: 200.0, height: 200.0, formFactor: rectangular, origin: lowerleft, custom_box: false}
axes: {x: {speed: 6000, inverted: false}, y: {speed: 6000, inverted: false}, z: {speed: 200, inverted: false}, e: {speed: 300, inverted: false}}
extruder: {count: 1, sharedNozzle: false, nozzleDiameter: 0.4, defaultExtrusionLength: 5, offsets: [[0.0, 0.0]]}
YAML
fi

as_root=()
[ "$(id -u)" = 0 ] && as_root=(--iknowwhatimdoing)   # OctoPrint refuses to run as root without it
export PYTHONUNBUFFERED=1
exec "$venv/bin/octoprint" serve "${as_root[@]}" --basedir "$base" --host 127.0.0.1 --port "$port"
