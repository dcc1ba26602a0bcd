-- Each request a path of its own, `/page/base1`, `/page/base2`, …; of `every` requests one goes there, the others elsewhere.
local n = 0
local page, elsewhere, every

function init(args)
  local base = args[2]
  page, elsewhere, every = args[1] .. "/" .. base, args[3] .. "/" .. base, tonumber(args[4])
end

function request()
  n = n + 1
  if n % every == 0 then
    return wrk.format("GET", page .. n)
  end
  return wrk.format("GET", elsewhere .. n)
end
