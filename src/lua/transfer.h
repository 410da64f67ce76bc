/* What is done with a call once it is prepared. */
#ifndef NDL_TRANSFER_H
#define NDL_TRANSFER_H

#include "../core/transfer.h"
#include "compat.h"

extern const char ndl_transfer_type[];

/* Pushes an object with a zeroed transfer; NULL where memory is out. */
struct nd_transfer *ndl_new_transfer(lua_State *L);

/* They have the decoder of json.h as their second upvalue. */
extern const luaL_Reg ndl_transfer_functions[];

#endif
