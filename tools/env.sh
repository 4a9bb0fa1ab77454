# env.sh - sourced by run, test and the build of the interface: the Node.js to use.
if [ -x .tools/node_modules/node/bin/node ]; then
  PATH="$PWD/.tools/node_modules/node/bin:$PATH"
  export PATH
fi
